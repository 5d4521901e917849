"""Scores of detectors on held-out data."""
