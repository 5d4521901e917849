import pytest

from edgeeeg.cells.chunk_spans import chunk_spans


@pytest.mark.parametrize(
    ("n_frames", "spans"),
    [
        (3, ((slice(0, 3), 3),)),
        (8, ((slice(0, 8), 4),)),
        (10, ((slice(0, 8), 4), (slice(8, 10), 2))),
    ],
)
def test_whole_chunks_then_the_rest(n_frames: int, spans: tuple[tuple[slice, int], ...]) -> None:
    assert chunk_spans(n_frames, 4) == spans
