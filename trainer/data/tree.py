"""A root folder as found by looking: its files, and which data set and split a path belongs to."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from trainer.data.report import printable
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}
"""Folder names that mean a split."""
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".bmp"})
MASKS = "masks"
_LAYOUT_FOLDERS = frozenset({"images", "labels", "annotations", MASKS})


@dataclass(frozen=True, slots=True)
class Tree:
    """All files under a root, sorted. `name` is unique among the roots of one reading."""

    root: Path
    name: str
    files: tuple[Path, ...]

    def with_suffix(self, *suffixes: str) -> Iterator[Path]:
        """The files with one of these endings (small letters, with the dot)."""
        return (file for file in self.files if file.suffix.lower() in suffixes)

    def images(self) -> Iterator[Path]:
        """The photos: image files that lie in no folder of masks."""
        return (file for file in self.with_suffix(*IMAGE_SUFFIXES) if MASKS not in self.parts(file))

    def parts(self, path: Path) -> tuple[str, ...]:
        """The names of the folders between the root and a file."""
        return path.relative_to(self.root).parent.parts

    def split(self, path: Path) -> str:
        """The split that a folder above the file names: `train`, `valid`, `test`; empty where none does."""
        named = (SPLITS[part.lower()] for part in self.parts(path) if part.lower() in SPLITS)
        return next(named, "")

    def data_set(self, path: Path) -> str:
        """The file's data set: the root's name and the folders that are no split's and no layout's."""
        skipped = _LAYOUT_FOLDERS | SPLITS.keys()
        kept = (part for part in self.parts(path) if part.lower() not in skipped)
        return printable("/".join((self.name, *kept)))

    def show(self, path: Path) -> str:
        """The file as reports name it."""
        return str(PurePath(self.name) / path.relative_to(self.root))

    def inside(self, path: Path) -> bool:
        """Whether a path that a file names stays under the root."""
        try:
            return path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):  # links in a circle, a zero byte
            return False


def grow(roots: Sequence[Path]) -> list[Tree]:
    """The trees of all roots. Raises TrainingError `folder_without_photos` where one is no folder."""
    trees: list[Tree] = []
    for root in absolute(roots):
        if not root.is_dir():
            raise TrainingError(Code.FOLDER_WITHOUT_PHOTOS, f"{root} is no folder")
        files = sorted(Path(folder) / name for folder, _, names in os.walk(root) for name in names)
        trees.append(Tree(root, _unique(root.name, {tree.name for tree in trees}), tuple(files)))
    return trees


def absolute(roots: Sequence[Path]) -> list[Path]:
    """The roots as the paths of their photos begin, each once."""
    return list(dict.fromkeys(Path(os.path.abspath(root)) for root in roots))  # noqa: PTH100 - keeps links


def _unique(name: str, taken: Collection[str]) -> str:
    return next(
        candidate
        for number in range(len(taken) + 1)
        if (candidate := f"{name}-{number + 1}" if number else name) not in taken
    )
