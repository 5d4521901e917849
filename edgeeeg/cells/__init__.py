"""Recurrent cells: one step, and the same step over a sequence."""
