"""Which photo or scene a file was made from: `images.csv` says it, or Roboflow's file names do.

`images.csv` lies in a folder above the photos, with the columns `file` and `source_photo`, and optionally
`scene`, `kind` and `split`. `file` is a path from the table's folder, or a name that is unique below it;
with `kind` and `split`, the photo is `kind/split/file`. Sources and scenes of one name are one, in whatever
folders below the table their photos lie; but not those of different kinds.
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
        for folder in image.parents:
            rows = self._tables.get(folder, {})
            source = rows.get(image.relative_to(folder).as_posix()) or rows.get(image.name)
            if source is not None:
                return source
        before, mark, _ = image.name.rpartition(_ROBOFLOW)
        return Source(f"{self._tree.data_set(image)}/{before}" if mark else self._tree.show(image))


def _read(file: Path, tree: Tree, report: DataReport) -> Mapping[str, Source]:
    """The sources by the path, or the name, that the table gives."""
    rows: dict[str, Source] = {}
    scope = tree.data_set(file)
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            for row in csv.DictReader(lines, strict=True):
                path = "/".join(filter(None, (row.get("kind"), row.get("split"), row["file"])))
                above = "/".join(filter(None, (scope, row.get("kind"))))
                scene = f"{above}/{row['scene']}" if row.get("scene") else ""
                rows[path] = Source(f"{above}/{row['source_photo'] or row['file']}", scene)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        report.note(Reason.TABLE_BROKEN, f"{tree.show(file)}: {type(error).__name__}: {error}")
        return {}
    return rows
