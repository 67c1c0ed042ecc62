"""A model against annotated photos: what it finds, and whether it keeps silent when it should."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.data import Sample, load_rgb
from trainer.evaluation.coverage import Estimated, estimate
from trainer.evaluation.metrics import GroundTruth, Overlap, Scores, cross_entropy
from trainer.evaluation.negatives import Square, clean_squares
from trainer.evaluation.ways import grown, masks, raw_mask
from wallscan.segment.engine import Engine

FIRED_SHARE = 0.001
"""A mask over more than this share of the photo counts as firing; less is a speck."""
FAMILY_PROMPTS = ("crack", "drywall joint")
UNKNOWN_PROMPT = "a cat"


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of each photo: its families' phrases, one prompt that means nothing, clean squares."""

    phrases: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {family: (family,) for family in FAMILY_PROMPTS}
    )
    unrelated: str = UNKNOWN_PROMPT
    squares_of: Sequence[str] = ()
    """Families whose prompt is also asked on the photos' parts in which the family is not annotated."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """All of them, each once."""
        every = [phrase for phrases in self.phrases.values() for phrase in phrases]
        return tuple(dict.fromkeys((*every, self.unrelated)))


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo and a family that was annotated on it, asked for by the family's first phrase.

    `scores` are by way of making the mask (`ways.WAYS`), `cross_entropy` is that of the map at the photo's
    size, `phrasings` holds the raw foreground IoU of every phrase asked.
    """

    image: str
    group: str
    family: str
    prompt: str
    cross_entropy: float
    scores: Mapping[str, Scores]
    phrasings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Negative:
    """A photo, or a square of it, and a prompt for what is not there; `family` is None for the unrelated one.

    A family that was not annotated on the photo is taken as not there; of one that is unsettled there is no
    row. `is_first` tells the family's first phrase from its others, `has_family` whether the family is
    elsewhere on the same photo; `marked` is the share of the picture that each way marks.
    """

    image: str
    group: str
    family: str | None
    prompt: str
    is_first: bool
    square: Square | None
    has_family: bool
    marked: Mapping[str, float]

    def fired(self, way: str) -> bool:
        """Whether the mask is more than a speck."""
        return self.marked[way] > FIRED_SHARE


@dataclass(frozen=True, slots=True)
class Verdict:
    """All rows of an evaluation; `left_out` says which photos could not be read."""

    judged: list[Judged] = field(default_factory=list)
    negatives: list[Negative] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    estimates: list[Estimated] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The maps (h, w) of one photo by prompt. They live as long as the photo is looked at."""

    sample: Sample
    image: NDArray[np.uint8]
    engine: Engine
    maps: Mapping[str, NDArray[np.float32]]

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[0], self.image.shape[1]

    def marked(self, prompt: str) -> dict[str, float]:
        found = masks(self.engine.manifest, prompt, self.maps[prompt], *self.size)
        return {way: float(mask.mean()) for way, mask in found.items()}


def judge(engine: Engine, samples: Iterable[Sample], questions: Questions | None = None) -> Verdict:
    """Ask every photo; each is encoded once for all prompts, and of its maps only counts are kept.

    By default only the families' first phrases and the unrelated prompt are asked, on whole photos.
    """
    asked = questions or Questions()
    verdict = Verdict()
    for sample in samples:
        try:
            image = load_rgb(sample.image)
        except ValueError as error:
            verdict.left_out.append(str(error))
            continue
        maps = engine.probabilities(image, asked.prompts)
        answers = _Answers(sample, image, engine, dict(zip(asked.prompts, maps, strict=True)))
        verdict.judged.extend(_annotated(answers, asked))
        verdict.negatives.extend(_absent(answers, asked))
        verdict.negatives.extend(_clean_parts(answers, asked))
        verdict.estimates.extend(_estimates(answers, asked))
    return verdict


def _annotated(answers: _Answers, asked: Questions) -> Iterator[Judged]:
    """A row for each annotated family, whether it was found on the photo or looked for in vain."""
    sample, size = answers.sample, answers.size
    for family in sample.shapes:
        if family not in asked.phrases:
            continue
        truth = GroundTruth(sample.truth(family, *size) > 0)
        first, *_ = phrases = asked.phrases[family]
        found = masks(answers.engine.manifest, first, answers.maps[first], *size)
        raw = {phrase: Overlap.of(raw_mask(answers.maps[phrase], *size), truth.mask) for phrase in phrases}
        yield Judged(
            image=sample.image.name,
            group=sample.group,
            family=family,
            prompt=first,
            cross_entropy=cross_entropy(grown(answers.maps[first], *size), truth.mask),
            scores={way: truth.scores(mask) for way, mask in found.items()},
            phrasings={phrase: overlap.iou for phrase, overlap in raw.items()},
        )


def _absent(answers: _Answers, asked: Questions) -> Iterator[Negative]:
    """A row for each phrase of the families that are not on the photo, and one for the unrelated prompt."""
    sample = answers.sample
    wrong: list[tuple[str | None, str]] = [
        (family, phrase)
        for family, phrases in asked.phrases.items()
        if family not in sample.families and family not in sample.unsettled
        for phrase in phrases
    ]
    for family, prompt in (*wrong, (None, asked.unrelated)):
        yield Negative(
            image=sample.image.name,
            group=sample.group,
            family=family,
            prompt=prompt,
            is_first=family is None or prompt == asked.phrases[family][0],
            square=None,
            has_family=False,
            marked=answers.marked(prompt),
        )


def _estimates(answers: _Answers, asked: Questions) -> Iterator[Estimated]:
    """A row for each family whose coverage of the photo is known, where the model brings an interval."""
    sample = answers.sample
    for family, (first, *_) in asked.phrases.items():
        told = estimate(answers.engine.manifest, first, answers.maps[first])
        if told is None or family in sample.unsettled:
            continue
        annotated_pct = 100 * float((sample.truth(family, *answers.size) > 0).mean())
        yield Estimated(sample.image.name, sample.group, family, annotated_pct, *told)


def _clean_parts(answers: _Answers, asked: Questions) -> Iterator[Negative]:
    """A row for each square in which a family is not annotated, asked for by its first phrase."""
    sample, engine = answers.sample, answers.engine
    for family in asked.squares_of:
        if family in sample.unsettled:
            continue
        prompt = asked.phrases[family][0]
        for square in clean_squares(sample.truth(family, *answers.size) > 0):
            part = square.cut(answers.image)
            alone = _Answers(sample, part, engine, {prompt: engine.probabilities(part, (prompt,))[0]})
            yield Negative(
                image=sample.image.name,
                group=sample.group,
                family=family,
                prompt=prompt,
                is_first=True,
                square=square,
                has_family=family in sample.families,
                marked=alone.marked(prompt),
            )
