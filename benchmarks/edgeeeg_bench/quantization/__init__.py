"""What int8 costs in accuracy and saves in memory, on models trained on Bonn."""
