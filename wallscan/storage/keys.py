"""The only place that spells object keys. Ids and numbers in, keys out: no name from outside gets in."""

import re
from uuid import UUID

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODEL_FILE = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,99}")


def inspection_photos(inspection_id: UUID) -> str:
    """The prefix of all photos of an inspection."""
    return f"photos/{inspection_id}/"


def photo(inspection_id: UUID, photo_id: UUID) -> str:
    """A photo as it was handed in."""
    return f"{inspection_photos(inspection_id)}{photo_id}"


def archive(archive_id: UUID) -> str:
    """A zip file as it was handed in."""
    return f"archives/{archive_id}.zip"


def run(run_id: UUID) -> str:
    """The prefix of all that a run made."""
    return f"runs/{run_id}/"


def mask(run_id: UUID, photo_id: UUID, attempt: int, prompt_index: int) -> str:
    """A mask. The attempt is in the key, so that a late writer never replaces a newer attempt's mask."""
    return f"{run(run_id)}{photo_id}/{attempt:d}/{prompt_index:d}.png"


def probability_map(run_id: UUID, photo_id: UUID, attempt: int, prompt_index: int) -> str:
    """The probability map that a mask was made from, beside it."""
    return f"{run(run_id)}{photo_id}/{attempt:d}/{prompt_index:d}.map.png"


def dataset(dataset_id: UUID) -> str:
    """A data set's zip file as it was handed in."""
    return f"datasets/{dataset_id}.zip"


def trainings() -> str:
    """The prefix of all trainings' checkpoints."""
    return "trainings/"


def training(training_id: UUID) -> str:
    """The prefix of all checkpoints of a training."""
    return f"{trainings()}{training_id}/"


def training_of(key: str) -> UUID:
    """The training of a checkpoint's key."""
    return UUID(key.removeprefix(trainings()).partition("/")[0])


def checkpoint(training_id: UUID, attempt: int, step: int, name: str) -> str:
    """A file of a checkpoint. With attempt and step in it, a key is written once."""
    if not _MODEL_FILE.fullmatch(name):
        raise ValueError(f"not a checkpoint file's name: {name!r}")
    return f"{training(training_id)}{attempt:d}/{step:d}/{name}"


def model(digest: str) -> str:
    """The prefix of a bundle's files; `digest` is the SHA-256 (hex) of its manifest."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256 in hex: {digest!r}")
    return f"models/{digest}/"


def model_file(digest: str, name: str) -> str:
    """A file of a bundle; `name` is lower-case letters, digits, `.`, `_` and `-`, not starting with a dot."""
    if not _MODEL_FILE.fullmatch(name):
        raise ValueError(f"not a model file's name: {name!r}")
    return model(digest) + name
