"""What travels over the queue: ids only. The database is the truth; a message is a doorbell."""

import uuid
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

INSPECT_QUEUE = "inspect"
INTAKE_QUEUE = "intake"
TRAINER_QUEUE = "trainer"


class Message(BaseModel):
    """A message: its task's name and queue are the class's, its fields are the task's arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    task: ClassVar[str]
    queue: ClassVar[str]


class InspectPhoto(Message):
    """Analyse one photo of a run, with all its prompts."""

    task = "wallscan.inspect_photo"
    queue = INSPECT_QUEUE
    run_id: uuid.UUID
    photo_id: uuid.UUID


class UnpackArchive(Message):
    """Unpack an uploaded zip file into photos of its inspection."""

    task = "wallscan.unpack_archive"
    queue = INTAKE_QUEUE
    archive_id: uuid.UUID


class CheckModel(Message):
    """Check an uploaded bundle: files, hashes, and that it loads and answers."""

    task = "wallscan.check_model"
    queue = TRAINER_QUEUE
    model_id: uuid.UUID


class RunTraining(Message):
    """Carry out a training, or go on with it from its checkpoint."""

    task = "wallscan.run_training"
    queue = TRAINER_QUEUE
    training_id: uuid.UUID


class CompareModel(Message):
    """Measure a model version against the active one, and let it serve where it is not worse."""

    task = "wallscan.compare_model"
    queue = TRAINER_QUEUE
    comparison_id: uuid.UUID
