"""Where a sequence is cut for a form that works on chunks of equal length."""

from __future__ import annotations


def chunk_spans(n_frames: int, length: int) -> tuple[tuple[slice, int], ...]:
    """Spans of frames with the length of their chunks: the whole chunks, then what is left as one of its own.

    A constant decay has no neutral frame, so the last chunk is shorter rather than filled up.
    """
    whole = n_frames - n_frames % length
    spans = ((slice(0, whole), length), (slice(whole, n_frames), n_frames - whole))
    return tuple((span, chunk) for span, chunk in spans if span.stop > span.start)
