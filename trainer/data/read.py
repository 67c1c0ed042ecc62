"""From the annotations of several roots, in any mixture of formats, to samples; no omission is silent."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from trainer.data.annotation import RELATIVE, Annotation, Mark
from trainer.data.classes import Classes, default_classes
from trainer.data.coco import read_coco
from trainer.data.corrected import read_corrected
from trainer.data.looks import Seen, see
from trainer.data.outlines import same_shape, truth_of
from trainer.data.report import DataReport, Reason
from trainer.data.sample import Photos, Sample, Truth
from trainer.data.sources import Sources
from trainer.data.splits import grouped, parts, split_by_group
from trainer.data.tree import Tree, absolute, grow
from trainer.data.voc import read_voc
from trainer.data.yolo import read_yolo
from wallscan.domain.splits import SplitBy

NOTHING = "nothing"


def read_photos(
    roots: Sequence[Path],
    held_out_share: float,
    seed: int,
    by: SplitBy = SplitBy.OFFICIAL,
    classes: Classes | None = None,
) -> tuple[Photos, DataReport]:
    """All photos under the roots, split; some groups of those that learn are held out.

    Frames are drawn by place: photos to learn from, and those held out, come in the order of their digests,
    which no name, folder or order of the roots changes.
    Raises TrainingError `folder_without_photos` where a root is no folder.
    """
    samples, report = read_samples(roots, classes)
    split = parts(samples, by)
    sides = split_by_group(split.get("train", ()), held_out_share, seed)
    train, held_out = (sorted(side, key=Sample.digest) for side in sides)
    valid = split.get("valid", ())
    known = classes or default_classes()
    return Photos(train, held_out, valid, known, absolute(roots), by.value), report


def read_samples(roots: Sequence[Path], classes: Classes | None = None) -> tuple[list[Sample], DataReport]:
    """All usable photos under the roots, whatever their split.

    Raises TrainingError `folder_without_photos` where a root is no folder.
    """
    report = DataReport()
    samples = [
        sample
        for tree in grow(roots)
        for sample in _Reader(tree, classes or default_classes(), report).samples()
    ]
    return grouped(samples), report


class _Reader:
    """One root while it is read."""

    def __init__(self, tree: Tree, classes: Classes, report: DataReport) -> None:
        self._tree, self._classes, self._report = tree, classes, report
        self._family = cache(classes.family)
        self._sources = Sources(tree, report)

    def samples(self) -> list[Sample]:
        """The usable photos in the order of their paths."""
        annotations = self._annotations()
        for image in self._tree.images():
            if image not in annotations:
                self._report.note(Reason.IMAGE_UNANNOTATED, self._tree.show(image))
        readable = [one for _, one in sorted(annotations.items()) if one.marks is not None]
        declared = self._declared(readable)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            photos = pool.map(see, [annotation.image for annotation in readable])
            samples = (
                self._sample(annotation, photo, declared[annotation.data_set])
                for annotation, photo in zip(readable, photos, strict=True)
            )
            return [sample for sample in samples if sample is not None]

    def _annotations(self) -> dict[Path, Annotation]:
        """The one that counts of each photo: a corrected mask before all others, readable before broken."""
        chosen: dict[Path, Annotation] = {}
        for annotation in self._read():
            kept = chosen.get(annotation.image)
            if kept is None or kept.marks is None:
                chosen[annotation.image] = annotation
            elif annotation.marks is not None:
                self._report.note(Reason.ANNOTATED_TWICE, annotation.origin)
        return chosen

    def _read(self) -> Iterator[Annotation]:
        yield from read_corrected(self._tree, self._classes, self._report)
        yield from read_voc(self._tree, self._report)
        yield from read_coco(self._tree, self._classes, self._report)
        yield from read_yolo(self._tree, self._classes, self._report)

    def _declared(self, annotations: Sequence[Annotation]) -> Mapping[str, frozenset[str]]:
        """The families that are annotated somewhere in a data set, for formats that name none elsewhere."""
        found: dict[str, set[str]] = defaultdict(set)
        for annotation in annotations:
            for mark in annotation.marks or ():
                if family := self._family(mark.class_name):
                    found[annotation.data_set].add(family)
        return {one.data_set: frozenset(found[one.data_set]) for one in annotations}

    def _sample(self, annotation: Annotation, seen: Seen | str, declared: frozenset[str]) -> Sample | None:
        note = self._report.note
        if isinstance(seen, str):
            note(Reason.IMAGE_BROKEN, f"{self._tree.show(annotation.image)}: {seen}")
            return None
        drawn_on = annotation.size or seen.size
        if drawn_on not in (RELATIVE, seen.size):
            if not same_shape(drawn_on, seen.size):
                note(Reason.SIZE_DIFFERS, f"{annotation.origin}: {drawn_on} for a photo of {seen.size}")
                return None
            note(Reason.SCALED, annotation.origin)
        looked_for = declared if annotation.families is None else annotation.families
        shapes, unsettled = self._shapes(annotation, drawn_on, seen.size, looked_for)
        if not shapes:
            reason = Reason.NOTHING_USABLE if annotation.marks else Reason.NO_FAMILY
            note(reason, annotation.origin)
            return None
        source = self._sources.of(annotation.image)
        self._count(annotation, shapes)
        return Sample(
            image=annotation.image,
            shapes=shapes,
            group=source.photo,
            split=annotation.split,
            source=source.photo,
            scene=source.scene,
            looks=seen.looks,
            unsettled=unsettled,
        )

    def _shapes(
        self,
        annotation: Annotation,
        drawn_on: tuple[int, int],
        photo: tuple[int, int],
        looked_for: Collection[str],
    ) -> tuple[dict[str, tuple[Truth, ...]], frozenset[str]]:
        """The outlines of each family that is settled, none at all where nothing annotated is usable; and
        the families that are not: nobody looked for them, or they lost all of their outlines.
        """
        found: dict[str, list[Truth]] = {family: [] for family in looked_for}
        lost: set[str] = set()
        for mark in annotation.marks or ():
            family = self._family(mark.class_name)
            truth = self._truth(mark, family, annotation.origin, drawn_on, photo)
            if truth is not None and family is not None:
                found.setdefault(family, []).append(truth)
            elif family is not None:
                lost.add(family)
        if annotation.marks and not any(found.values()) and not annotation.others_unknown:
            return {}, frozenset()
        lost = {family for family in lost if not found.get(family)}
        for family in sorted(lost):
            self._report.note(Reason.FAMILY_UNSETTLED, f"{annotation.origin}: {family}")
        others = self._classes.families.keys() - looked_for if annotation.others_unknown else ()
        unsettled = frozenset(lost).union(others)
        settled = (family for family in self._classes.families if family in found.keys() - unsettled)
        return {family: tuple(found[family]) for family in settled}, unsettled

    def _truth(
        self, mark: Mark, family: str | None, origin: str, drawn_on: tuple[int, int], photo: tuple[int, int]
    ) -> Truth | None:
        what = f"{origin}: {mark.class_name or 'no class'}"
        if family is None:
            self._report.note(Reason.CLASS_UNKNOWN, what)
            return None
        truth, done = truth_of(mark, drawn_on, photo)
        if isinstance(truth, Reason):
            self._report.note(truth, what)
            return None
        for reason in (*done, *([Reason.CROWD] if mark.is_crowd else [])):
            self._report.note(reason, what)
        return truth

    def _count(self, annotation: Annotation, shapes: Mapping[str, Sequence[Truth]]) -> None:
        self._report.images += 1
        self._report.shapes += sum(map(len, shapes.values()))
        for family in [family for family in shapes if shapes[family]] or [NOTHING]:
            self._report.counts[annotation.data_set, annotation.layout, annotation.split, family] += 1
