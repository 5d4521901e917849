"""Kernels counted on emulated cores, beside a vendor's library and the limits of the cores."""
