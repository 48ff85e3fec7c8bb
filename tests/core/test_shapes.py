"""Shapes in signatures are checked while tests run, and cost nothing where they do not."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from chainrule.core import numerics


@pytest.mark.skipif(
    not (find_spec("jaxtyping") and find_spec("beartype")), reason="the checkers are not installed"
)
def test_a_wrong_shape_or_type_in_a_signature_is_noticed_in_tests():
    assert hasattr(numerics.softplus, "__wrapped__")  # by the checker
    from beartype.roar import BeartypeCallHintViolation
    from jaxtyping import TypeCheckError

    from chainrule.datasets.decoded import keep_decoded

    with pytest.raises((TypeCheckError, BeartypeCallHintViolation)):
        keep_decoded("0", np.zeros(3, np.uint8), None)  # pyright: ignore[reportArgumentType]


def test_the_package_itself_never_loads_the_checkers():
    program = (
        "import sys, chainrule.datasets; print([m for m in ('jaxtyping', 'beartype') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
