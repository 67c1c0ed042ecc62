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

RUN_ENDED = frozenset({RunState.SUCCEEDED, RunState.CANCELLED, RunState.FAILED})
TASK_ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})
MAX_ATTEMPTS = 3
"""A photo that ends its worker is tried so often, then failed with `attempts_exhausted`."""
