"""Data sets from storage into folders."""

import hashlib
import logging
from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.photos.archives import unpack_files
from wallscan.records.claimed import DatasetFile
from wallscan.storage import ObjectMissing, ObjectStore, keys

_log = logging.getLogger(__name__)


def fetch_dataset(store: ObjectStore, dataset: DatasetFile, folder: Path) -> list[str]:
    """Put a data set's files into `folder`, which is made; a line for each entry that cannot be unpacked.

    Raises TrainingError `dataset_not_uploaded` or `dataset_checksum_mismatch`, ArchiveError, and
    UnavailableError.
    """
    folder.mkdir(parents=True)
    path = folder.with_suffix(".zip")
    try:
        store.download(keys.dataset(dataset.id), path)
    except ObjectMissing as error:
        raise TrainingError(
            Code.DATASET_NOT_UPLOADED, f"storage does not hold the data set {dataset.name[:80]!r}"
        ) from error
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != dataset.sha256:
            raise TrainingError(
                Code.DATASET_CHECKSUM_MISMATCH, f"the data set {dataset.name[:80]!r} is not the announced one"
            )
        left_out = [f"{folder.name}/{entry.name}: {entry.detail}" for entry in unpack_files(file, folder)]
    path.unlink()
    for line in left_out:
        _log.warning("data set %s, left out: %r", dataset.id, line)
    return left_out
