"""A day of EEG through the generated C, beside the NumPy reference and a float64 twin."""
