"""A program of integers over a long recording on the host and on every emulated core: the same bits."""
