from typing import Any

import pytest

from wallscan.client.errors import ApiError
from wallscan.client.exits import DONE, SOME_FAILED, SYSTEM_FAILED, USAGE, exit_code, run_exit
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import RunState
from wallscan.wire.runs import ItemCounts, Run


@pytest.mark.parametrize(
    ("code", "http_status", "status"),
    [
        (Code.RUN_UNKNOWN, 404, USAGE),
        (Code.IDEMPOTENCY_KEY_REUSED, 422, USAGE),
        (Code.IDEMPOTENCY_KEY_IN_USE, 409, SYSTEM_FAILED),
        (Code.DATABASE_UNAVAILABLE, 503, SYSTEM_FAILED),
    ],
)
def test_a_refusal_is_the_commands_fault_unless_another_moment_would_help(code, http_status, status):
    assert exit_code(ApiError(code, "no", http_status)) == status


@pytest.mark.parametrize(
    ("state", "counts", "skipped", "status"),
    [
        (RunState.SUCCEEDED, ItemCounts(succeeded=4), 0, DONE),
        (RunState.SUCCEEDED, ItemCounts(succeeded=2, failed=2), 0, SOME_FAILED),
        (RunState.SUCCEEDED, ItemCounts(succeeded=4), 1, SOME_FAILED),
        (RunState.CANCELLED, ItemCounts(succeeded=2, cancelled=2), 0, SOME_FAILED),
        (RunState.FAILED, ItemCounts(failed=4), 0, SYSTEM_FAILED),
    ],
)
def test_a_command_that_shows_a_run_ends_as_the_run_did(state, counts, skipped, status):
    run: Any = {"state": state, "counts": counts, "skipped": skipped}
    assert run_exit(Run.model_construct(**run)) == status
