"""Labelled arrays, windows and folds for training and evaluation."""
