"""Layers that stream: nothing in them looks ahead."""
