from __future__ import annotations

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, Montage, Recording, average_reference, bipolar, double_banana

ELECTRODES = double_banana().inputs


def recording(ch_names: tuple[str, ...], annotations: tuple[Annotation, ...] = ()) -> Recording:
    data = np.random.default_rng(3).normal(0, 30, (len(ch_names), 64)).astype(np.float32)
    return Recording(data, ch_names, 64.0, annotations)


def test_double_banana_has_18_derivations_of_the_19_electrodes() -> None:
    montage = double_banana()
    assert (len(montage.names), len(montage.inputs)) == (18, 19)
    assert montage.matrix.shape == (18, 19)
    np.testing.assert_array_equal(np.sort(montage.matrix, axis=1)[:, [0, -1]], [[-1, 1]] * 18)
    np.testing.assert_array_equal(montage.matrix.sum(axis=1), 0)
    assert set(ELECTRODES) == {
        *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz"),
        *("C4", "T4", "T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
    }


def test_derivations_are_differences_whatever_the_order_and_spelling() -> None:
    renamed = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    names = tuple(renamed.get(name, name).upper() for name in reversed(ELECTRODES))
    monopolar = recording(names)
    derived = double_banana().apply(monopolar)
    by_name = dict(zip(names, monopolar.data, strict=True))
    np.testing.assert_allclose(
        derived.data[derived.ch_names.index("F7-T3")], by_name["F7"] - by_name["T7"], rtol=1e-6
    )
    np.testing.assert_allclose(
        derived.data[derived.ch_names.index("Cz-Pz")], by_name["CZ"] - by_name["PZ"], rtol=1e-6
    )


def test_a_missing_electrode_is_an_error() -> None:
    with pytest.raises(RecordingError, match="needs an electrode: no channel 'Pz'"):
        double_banana().apply(recording(tuple(name for name in ELECTRODES if name != "Pz")))


def test_a_bipolar_recording_is_not_derived_again() -> None:
    with pytest.raises(RecordingError, match="derivations already: pick"):
        double_banana().apply(recording(("FP1-F7", "F7-T7")))


def test_two_channels_that_claim_one_electrode_are_an_error() -> None:
    names = (*(name for name in ELECTRODES if name != "T3"), "t3", "T7")
    with pytest.raises(RecordingError, match="'T3' could be any of t3, T7"):
        double_banana().apply(recording(names))


def test_average_reference_has_zero_mean() -> None:
    monopolar = recording(("Fz", "Cz", "Pz", "ECG"))
    referenced = average_reference(("Fz", "Cz", "Pz")).apply(monopolar)
    assert referenced.ch_names == ("Fz", "Cz", "Pz")
    np.testing.assert_allclose(referenced.data.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(
        referenced.data[0], monopolar.data[0] - monopolar.data[:3].mean(axis=0), atol=1e-4
    )
    with pytest.raises(RecordingError, match="at least two"):
        average_reference(("Fz",))


def test_annotations_of_electrodes_pass_to_their_derivations() -> None:
    annotations = (
        Annotation(0.1, 0.2, "electrode pop", ("Cz",)),
        Annotation(0.3, 0.2, "seizure"),
        Annotation(0.5, 0.2, "electrode pop", ("ECG",)),
    )
    derived = bipolar(("Fz-Cz", "Cz-Pz", "C3-P3")).apply(
        recording(("Fz", "Cz", "Pz", "C3", "P3", "ECG"), annotations)
    )
    assert derived.annotations == (
        Annotation(0.1, 0.2, "electrode pop", ("Fz-Cz", "Cz-Pz")),
        Annotation(0.3, 0.2, "seizure"),
    )


@pytest.mark.parametrize("name", ["Fz", "Fz-", "-Cz", "Fz-Cz-Pz"])
def test_a_derivation_is_a_pair(name: str) -> None:
    with pytest.raises(RecordingError, match="not a pair"):
        bipolar((name,))


def test_the_matrix_fits_the_names() -> None:
    with pytest.raises(RecordingError, match=r"shape \(1, 2\), not float32 of shape \(2, 1\)"):
        Montage(("Fz-Cz",), np.ones((2, 1), dtype=np.float32), ("Fz", "Cz"))
