"""Counted instructions, modelled energy and reports."""
