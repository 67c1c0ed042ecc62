"""States and the legal ways between them."""

from collections.abc import Mapping
from enum import StrEnum


class PhotoState(StrEnum):
    """Where a photo's bytes are."""

    EXPECTED = "expected"  # announced; the bytes have not been seen in storage
    STORED = "stored"
    REJECTED = "rejected"  # will never be analysed; the row says why


class ArchiveState(StrEnum):
    """How far the unpacking of an archive has come."""

    EXPECTED = "expected"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RunState(StrEnum):
    """The life of a run (the job a client polls)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"  # every item was handled; the counts say how
    CANCELLING = "cancelling"  # asked to stop; photos under way are finished
    CANCELLED = "cancelled"
    FAILED = "failed"  # could not be carried out at all, for example its model is gone


class TaskState(StrEnum):
    """The life of one photo of a run. Its items (photo x prompt) share it."""

    QUEUED = "queued"
    RUNNING = "running"  # claimed by a worker under a lease
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ModelState(StrEnum):
    """The life of a model version."""

    EXPECTED = "expected"  # announced; files are being uploaded
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class ComparisonState(StrEnum):
    """The life of a comparison of a model version with the active one."""

    QUEUED = "queued"
    RUNNING = "running"  # claimed by a trainer under a lease
    PASSED = "passed"  # the version was activated
    REFUSED = "refused"  # it came out worse
    FAILED = "failed"  # nothing came out, or it holds no longer: another version became active


class ActivationKind(StrEnum):
    """How a model version came to serve."""

    FIRST = "first"  # none was active
    SHIPPED = "shipped"  # the package's own model, put in at its start
    GATE = "gate"  # it stood the comparison
    FORCED = "forced"  # somebody wanted it so, and said why
    ROLLBACK = "rollback"


class DatasetState(StrEnum):
    """Where a data set's zip file is."""

    EXPECTED = "expected"  # announced; the bytes have not been seen in storage
    STORED = "stored"


class TrainingState(StrEnum):
    """The life of a training."""

    QUEUED = "queued"
    RUNNING = "running"  # claimed by a trainer under a lease
    SUCCEEDED = "succeeded"  # its model is registered and ready
    CANCELLING = "cancelling"  # asked to stop; the best weights so far are published
    CANCELLED = "cancelled"
    FAILED = "failed"


RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.SUCCEEDED, RunState.CANCELLING, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.SUCCEEDED, RunState.CANCELLING, RunState.FAILED}),
    RunState.CANCELLING: frozenset({RunState.CANCELLED}),
    # A retry of the failed or cancelled photos opens a finished run again.
    RunState.SUCCEEDED: frozenset({RunState.RUNNING}),
    RunState.CANCELLED: frozenset({RunState.RUNNING}),
    RunState.FAILED: frozenset({RunState.RUNNING}),
}

TASK_TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.QUEUED: frozenset({TaskState.RUNNING, TaskState.CANCELLED, TaskState.FAILED}),
    # running -> running: a lease ran out and another worker claimed the photo.
    TaskState.RUNNING: frozenset(
        {TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.QUEUED, TaskState.CANCELLED}
    ),
    TaskState.FAILED: frozenset({TaskState.QUEUED}),
    TaskState.CANCELLED: frozenset({TaskState.QUEUED}),
    TaskState.SUCCEEDED: frozenset(),
}

TRAINING_TRANSITIONS: Mapping[TrainingState, frozenset[TrainingState]] = {
    TrainingState.QUEUED: frozenset(
        {
            TrainingState.RUNNING,
            TrainingState.CANCELLING,
            TrainingState.CANCELLED,  # nothing was trained yet
            TrainingState.FAILED,
        }
    ),
    TrainingState.RUNNING: frozenset(
        {TrainingState.QUEUED, TrainingState.SUCCEEDED, TrainingState.CANCELLING, TrainingState.FAILED}
    ),
    TrainingState.CANCELLING: frozenset({TrainingState.CANCELLED, TrainingState.FAILED}),
    TrainingState.SUCCEEDED: frozenset(),
    TrainingState.CANCELLED: frozenset(),
    TrainingState.FAILED: frozenset(),
}

COMPARISON_TRANSITIONS: Mapping[ComparisonState, frozenset[ComparisonState]] = {
    ComparisonState.QUEUED: frozenset({ComparisonState.RUNNING, ComparisonState.FAILED}),
    ComparisonState.RUNNING: frozenset(
        {
            ComparisonState.QUEUED,
            ComparisonState.PASSED,
            ComparisonState.REFUSED,
            ComparisonState.FAILED,
        }
    ),
    ComparisonState.PASSED: frozenset(),
    ComparisonState.REFUSED: frozenset(),
    ComparisonState.FAILED: frozenset(),
}

RUN_ENDED = frozenset({RunState.SUCCEEDED, RunState.CANCELLED, RunState.FAILED})
TASK_ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})
TRAINING_ENDED = frozenset({TrainingState.SUCCEEDED, TrainingState.CANCELLED, TrainingState.FAILED})
COMPARISON_ENDED = frozenset({ComparisonState.PASSED, ComparisonState.REFUSED, ComparisonState.FAILED})
MAX_ATTEMPTS = 3
"""A photo that ends its worker is tried so often, then failed with `attempts_exhausted`."""
