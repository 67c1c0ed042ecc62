"""How the command ends: exit codes, and which failure gets which."""

from wallscan.client.errors import ApiError, InputError, OutputError, SourceError
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, PipelineError, PromptError, WallscanError
from wallscan.domain.lifecycle import RunState
from wallscan.wire.runs import Run

DONE = 0
SYSTEM_FAILED = 1
USAGE = 2
SOME_FAILED = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_ASKED_WRONGLY = (BundleError, InputError, OutputError, PipelineError, PromptError)
_NOT_ASKED = frozenset({Code.HUB_UNREACHABLE})


def exit_code(error: ApiError | WallscanError) -> int:
    """`USAGE` where another command would help, `SYSTEM_FAILED` where another moment would."""
    if isinstance(error, ApiError):
        asked_wrongly = 400 <= error.status < 500 and error.code != Code.IDEMPOTENCY_KEY_IN_USE
        return USAGE if asked_wrongly else SYSTEM_FAILED
    if isinstance(error, SourceError):
        return SYSTEM_FAILED if error.code in _NOT_ASKED else USAGE
    return USAGE if isinstance(error, _ASKED_WRONGLY) else SYSTEM_FAILED


def run_exit(run: Run) -> int:
    """How a command ends that shows a run."""
    if run.state is RunState.FAILED:
        return SYSTEM_FAILED
    return SOME_FAILED if run.counts.failed or run.counts.cancelled or run.skipped else DONE
