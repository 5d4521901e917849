"""Steps of NIR's equations: what a file says of them, what must be said, and what is no step."""

from __future__ import annotations

import math

import nir
import numpy as np
import pytest

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.nir_steps import InSteps, in_steps, stated

GIVEN = {"dt": 0.25, "discretization": "forward_euler", "reset": "zero", "reset_delay": False}


def node(metadata):
    return nir.IF(r=np.ones(2), v_threshold=np.ones(2), metadata=metadata)


def test_everything_that_is_missing_is_asked_for_at_once():
    with pytest.raises(
        CaptureError, match="'n' does not say its discretization, reset, reset_delay: pass them"
    ):
        in_steps("n", node({"dt": 0.25}), {})
    known = {name: value for name, value in GIVEN.items() if name != "dt"}
    with pytest.raises(CaptureError, match="'n' does not say its dt: pass it to read_nir"):
        in_steps("n", node({}), known)


def test_a_file_and_an_argument_must_agree():
    with pytest.raises(CaptureError, match="says reset='subtract', and reset='zero' was asked for"):
        in_steps("n", node({"reset": b"subtract"}), GIVEN)
    assert in_steps("n", node({"reset": b"zero"}), GIVEN) == InSteps(**GIVEN)


def test_values_of_a_file_are_those_of_python():
    said = stated("n", node({"dt": np.float64(0.5), "reset_delay": np.array([1]), "author": "someone"}))
    assert said == {"dt": 0.5, "reset_delay": 1}
    assert (
        in_steps("n", node({"reset_delay": np.int64(1)}), {**GIVEN, "reset_delay": True}).reset_delay is True
    )


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"dt": b"fast"}, "NIR node 'n' says dt='fast' is no time in s above 0"),
        ({"dt": np.array([0.1, 0.2])}, r"says dt=\[0.1, 0.2\] is no time"),
        ({"dt": math.nan}, "says dt=nan is no time"),
        ({"dt": math.inf}, "says dt=inf is no time"),
        ({"dt": True}, "says dt=True is no time"),
        ({"dt": np.zeros(1000)}, r"says dt=\[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, \.\.\.\] is no time"),
        ({"reset_delay": 2}, "says reset_delay=2 is neither 0, a reset in the step of the spike, nor 1"),
        ({"reset_delay": b"1"}, "says reset_delay='1' is neither 0"),
        ({"reset_delay": 0.5}, "says reset_delay=0.5 is neither 0"),
        ({"discretization": b"tustin"}, "says discretization='tustin' is not one of forward_euler"),
        ({"fires": 1}, "says fires=1 is not one of above, at"),
        ({"reset": np.array([b"zero", b"none"])}, r"says reset=\[b'zero', b'none'\] is not one of"),
    ],
)
def test_what_is_no_step_is_refused_by_name(metadata, reason):
    with pytest.raises(CaptureError, match=reason) as refused:
        stated("n", node(metadata))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dt": "slow"}, "NIR: dt='slow' is no time in s above 0"),
        ({"dt": 0.0}, "NIR: dt=0.0 is no time"),
        ({"reset_delay": 2}, "NIR: reset_delay=2 is neither 0"),
    ],
)
def test_arguments_are_held_to_the_same(changed, reason):
    with pytest.raises(CaptureError, match=reason):
        InSteps(**(GIVEN | changed))
