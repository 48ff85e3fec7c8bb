"""The run-time checker of types and shapes that ``conftest`` has put around functions."""

from beartype import BeartypeConf, beartype

check = beartype(
    conf=BeartypeConf(is_pep484_tower=True)
)  # an int will do where a float or complex is asked for
