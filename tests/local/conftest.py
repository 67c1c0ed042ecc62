"""Fixtures of the embedded stack's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers as tests_servers


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every account can pass through."""
    with tests_servers.open_folder() as folder:
        yield folder
