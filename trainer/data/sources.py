"""Which photo or scene a file was made from: `images.csv` says it, or Roboflow's file names do.

`images.csv` lies in a folder above the photos, with the columns `file` and `source_photo`, and optionally
`scene`, `kind` and `split`. `file` is a path from the table's folder, or a name that is unique below it;
with `kind` and `split`, the photo is `kind/split/file`.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.data.report import DataReport, Reason
from trainer.data.tree import Tree

TABLE = "images.csv"
_ROBOFLOW = ".rf."


@dataclass(frozen=True, slots=True)
class Source:
    """Names that siblings share: of the source photo, and of the scene (empty: unknown)."""

    photo: str
    scene: str = ""


class Sources:
    """The sources of a tree's photos."""

    def __init__(self, tree: Tree, report: DataReport) -> None:
        self._tree = tree
        self._tables = {file.parent: _read(file, tree, report) for file in tree.files if file.name == TABLE}

    def of(self, image: Path) -> Source:
        """The source of a photo; without a table or Roboflow's name it is its own."""
        data_set = self._tree.data_set(image)
        for folder in image.parents:
            rows = self._tables.get(folder, {})
            row = rows.get(image.relative_to(folder).as_posix()) or rows.get(image.name)
            if row is not None:
                scene = f"{data_set}/{row.scene}" if row.scene else ""
                return Source(f"{data_set}/{row.photo}", scene)
        before, mark, _ = image.name.rpartition(_ROBOFLOW)
        return Source(f"{data_set}/{before}" if mark else self._tree.show(image))


def _read(file: Path, tree: Tree, report: DataReport) -> Mapping[str, Source]:
    """The rows by path and, where it is the only one of this name, by name."""
    rows: dict[str, Source] = {}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            for row in csv.DictReader(lines, strict=True):
                path = "/".join(filter(None, (row.get("kind"), row.get("split"), row["file"])))
                rows[path] = Source(row["source_photo"] or row["file"], row.get("scene") or "")
    except (OSError, ValueError, KeyError, csv.Error) as error:
        report.note(Reason.TABLE_BROKEN, f"{tree.show(file)}: {type(error).__name__}: {error}")
        return {}
    return rows
