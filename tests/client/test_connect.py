import io

import pytest
from rich.console import Console

from wallscan.client.connect import connected
from wallscan.client.errors import InputError
from wallscan.client.screen import Screen

QUIET = Screen(Console(file=io.StringIO()), Console(file=io.StringIO()))


@pytest.mark.parametrize("key", ["wsk_\u2026", "wsk_secret\n"])
def test_a_key_that_no_request_can_carry_is_told_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("WALLSCAN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WALLSCAN_API_KEY", key)
    with pytest.raises(InputError, match="key_invalid") as refused, connected(QUIET) as client:
        client.site("here")
    assert key.strip() not in str(refused.value)
