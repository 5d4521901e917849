"""The linear recurrences over a day: each layer by itself, with stretches that are loud and silent."""
