"""`__all__` is a promise."""

import pytest

import assistant


@pytest.mark.parametrize("name", assistant.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(assistant, name).__name__ == name
