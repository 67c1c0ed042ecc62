import uuid

import pytest
from pydantic import ValidationError

from wallscan.jobs.messages import (
    INSPECT_QUEUE,
    INTAKE_QUEUE,
    TRAINER_QUEUE,
    CheckModel,
    CompareModel,
    InspectPhoto,
    Message,
    RunTraining,
    UnpackArchive,
)


def test_each_message_has_a_task_and_a_queue_of_its_kind():
    kinds: dict[type[Message], str] = {
        InspectPhoto: INSPECT_QUEUE,
        UnpackArchive: INTAKE_QUEUE,
        CheckModel: TRAINER_QUEUE,
        CompareModel: TRAINER_QUEUE,
        RunTraining: TRAINER_QUEUE,
    }
    assert {kind: kind.queue for kind in kinds} == kinds
    assert len({kind.task for kind in kinds}) == len(kinds)


def test_messages_carry_ids_and_nothing_else():
    for kind in (InspectPhoto, UnpackArchive, CheckModel, CompareModel, RunTraining):
        assert {field.annotation for field in kind.model_fields.values()} == {uuid.UUID}
    with pytest.raises(ValidationError):
        UnpackArchive.model_validate({"archive_id": uuid.uuid4(), "path": "/etc/passwd"})
