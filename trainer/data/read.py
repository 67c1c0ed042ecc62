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
        readable = [some for _, some in sorted(annotations.items()) if some[0].marks is not None]
        declared = self._declared([one for some in readable for one in some])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            photos = pool.map(see, [some[0].image for some in readable])
            samples = (
                self._sample(some, photo, declared) for some, photo in zip(readable, photos, strict=True)
            )
            return [sample for sample in samples if sample is not None]

    def _annotations(self) -> dict[Path, list[Annotation]]:
        """Those that count of each photo: a corrected mask alone, readable ones before a broken one."""
        chosen: dict[Path, list[Annotation]] = defaultdict(list)
        for annotation in self._read():
            kept = chosen[annotation.image]
            if kept and annotation.marks is not None and kept[0].others_unknown:
                self._report.note(Reason.ANNOTATED_TWICE, annotation.origin)
            elif not kept or kept[0].marks is None:
                kept[:] = [annotation]
            elif annotation.marks is not None:
                kept.append(annotation)
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

    def _sample(
        self, annotations: Sequence[Annotation], seen: Seen | str, declared: Mapping[str, frozenset[str]]
    ) -> Sample | None:
        note, (first, *_) = self._report.note, annotations
        if isinstance(seen, str):
            note(Reason.IMAGE_BROKEN, f"{self._tree.show(first.image)}: {seen}")
            return None
        told = [(one, self._told(one, seen, declared[one.data_set])) for one in annotations]
        usable = [(one, found) for one, found in told if found is not None]
        shapes: dict[str, tuple[Truth, ...]] = {}
        for one, (own, _) in usable:
            shown = {family: truths for family, truths in own.items() if truths}
            if any(shapes.get(family) for family in shown):
                note(Reason.ANNOTATED_TWICE, one.origin)
            added = {family: truths for family, truths in shown.items() if not shapes.get(family)}
            self._count(one, added)
            shapes = own | shapes | added
        if not shapes:
            if usable:
                marked = any(one.marks for one, _ in usable)
                note(Reason.NOTHING_USABLE if marked else Reason.NO_FAMILY, first.origin)
            return None
        self._report.images += 1
        if not any(shapes.values()):
            self._count(first, {NOTHING: ()})
        source = self._sources.of(first.image)
        return Sample(
            image=first.image,
            shapes={family: shapes[family] for family in self._classes.families if family in shapes},
            group=source.photo,
            split=first.split,
            source=source.photo,
            scene=source.scene,
            looks=seen.looks,
            unsettled=frozenset().union(*(unsettled for _, (_, unsettled) in usable)) - shapes.keys(),
        )

    def _told(
        self, annotation: Annotation, seen: Seen, declared: frozenset[str]
    ) -> tuple[dict[str, tuple[Truth, ...]], frozenset[str]] | None:
        """`_shapes` of an annotation; None where it is for a photo of another shape."""
        drawn_on = annotation.size or seen.size
        if drawn_on not in (RELATIVE, seen.size):
            if not same_shape(drawn_on, seen.size):
                what = f"{annotation.origin}: {drawn_on} for a photo of {seen.size}"
                self._report.note(Reason.SIZE_DIFFERS, what)
                return None
            self._report.note(Reason.SCALED, annotation.origin)
        looked_for = declared if annotation.families is None else annotation.families
        return self._shapes(annotation, drawn_on, seen.size, looked_for)

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

    def _count(self, annotation: Annotation, added: Mapping[str, Sequence[Truth]]) -> None:
        self._report.shapes += sum(map(len, added.values()))
        for family in added:
            self._report.counts[annotation.data_set, annotation.layout, annotation.split, family] += 1
