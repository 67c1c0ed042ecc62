"""What the photos looked like that a model learnt from, as its bundle tells it: so that none judges it.

`learnt.txt` holds the perceptual hash of each, upright, 16 hex digits a line, sorted.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trainer.benchmark import Benchmark
from trainer.data import Photos
from trainer.data.looks import Hash, known
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.models.files import LEARNT

_DIGITS = 16
_LINE = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")


def write_learnt(photos: Photos, base: Path | None, out: Path) -> None:
    """Into the folder `out`: the photos learnt from and those held out, and what a base bundle had learnt.

    Raises BundleError `bundle_base_missing`.
    """
    own = {sample.looks[0] for sample in (*photos.train, *photos.held_out) if sample.looks}
    hashes = own.union(() if base is None else learnt_by(base))
    lines = [f"{one:0{_DIGITS}x}\n" for one in sorted(hashes)]
    (out / LEARNT).write_text("".join(lines), encoding="ascii")


def learnt_by(bundle: Path) -> frozenset[Hash]:
    """The hashes that a bundle, or the base of a delta, tells; none where it tells nothing.

    Raises BundleError `bundle_base_missing`, or `bundle_file_forbidden` where the file is something else.
    """
    found: set[Hash] = set()
    for folder in {bundle, whole_folder(bundle)}:
        if (folder / LEARNT).is_file():
            found.update(_read(folder / LEARNT))
    return frozenset(found)


def unseen(benchmark: Benchmark, bundles: Sequence[Path]) -> Benchmark:
    """The benchmark without photos that look like one that any of the bundles learnt from.

    Raises what `learnt_by` raises.
    """
    hashes = frozenset[Hash]().union(*map(learnt_by, bundles))
    learnt = known([sample.looks for sample in benchmark.samples], sorted(hashes))
    left = [sample for sample, seen in zip(benchmark.samples, learnt, strict=True) if not seen]
    return replace(benchmark, samples=left, left_out=sum(learnt))


def _read(path: Path) -> list[Hash]:
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    if not all(map(_LINE.fullmatch, lines)):
        raise BundleError(
            Code.BUNDLE_FILE_FORBIDDEN, f"{LEARNT} holds something else than lines of {_DIGITS} hex digits"
        )
    return [int(line, 16) for line in lines]
