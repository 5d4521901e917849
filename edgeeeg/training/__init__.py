"""Training from scratch, and the baselines to beat."""
