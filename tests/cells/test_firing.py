import pytest

from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError


@pytest.mark.parametrize("option", ["reset", "fires", "surrogate"])
def test_a_word_that_is_not_defined_is_named(option: str) -> None:
    with pytest.raises(ModelError, match=f"{option}='soft' is not defined; use one of"):
        Firing(**{option: "soft"})
