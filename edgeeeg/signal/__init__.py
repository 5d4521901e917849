"""EEG in: recordings, their files, montages, and synthetic signals."""

from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.bonn import BonnSegment, read_bonn
from edgeeeg.signal.chb_mit import ASSUMED_UV_PER_COUNT, CHB01_26_SEIZURE, read_chb01_26
from edgeeeg.signal.edf import read_edf
from edgeeeg.signal.edf_write import write_edf
from edgeeeg.signal.montage import Montage, average_reference, bipolar, double_banana
from edgeeeg.signal.npy_int16 import read_npy_int16
from edgeeeg.signal.recording import Recording
from edgeeeg.signal.synthetic import synthesize

__all__ = [
    "ASSUMED_UV_PER_COUNT",
    "CHB01_26_SEIZURE",
    "Annotation",
    "BonnSegment",
    "Montage",
    "Recording",
    "average_reference",
    "bipolar",
    "double_banana",
    "read_bonn",
    "read_chb01_26",
    "read_edf",
    "read_npy_int16",
    "synthesize",
    "write_edf",
]
