"""Training frames with their prompts: a pure function of the seed and the step's number."""

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from multiprocessing import resource_tracker
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from trainer.augment import change_looks, cut_out, flip_and_turn
from trainer.data import Sample
from trainer.photo_frames import PhotoFrames, Scene
from trainer.phrases import CRACK, FAMILIES, JOINT, WrongPhrases, with_shipped
from trainer.recipe import Recipe, Stage
from trainer.render import render

T = TypeVar("T")
FEW_WRONG = 512
"""A `cached` recipe's wrong prompts: as many as the text tower reads in seconds, once and for all."""


@dataclass(frozen=True, slots=True)
class Batch:
    """images (B, S, S, 3) uint8; truth (B, P, S, S) float32 in [0, 1]; prompts B x P; corner in 0..1.

    In place of pixels, `images` may be what an encoder made of them: (layers, B, 1 + tokens, width) float16.
    """

    images: NDArray[np.uint8] | NDArray[np.float16]
    truth: NDArray[np.float32]
    prompts: tuple[tuple[str, ...], ...]
    corner: tuple[float, float]


class Frames(Dataset[Batch]):
    """Batches by number; a step takes `accumulate` of them. The recipe is `settled`.

    `words` make up wrong prompts, `phrases` are the right ones of each family. Each process that draws keeps
    decoded photos, up to `photo_cache.CACHE_BYTES`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        recipe: Recipe,
        words: Sequence[str],
        phrases: Mapping[str, Sequence[str]] = FAMILIES,
    ) -> None:
        self.samples = samples
        self._recipe = recipe
        self._phrases = with_shipped(phrases)
        self._wrong = WrongPhrases(words, self._phrases)
        rng = random.Random(f"{recipe.seed}/wrong")
        few = FEW_WRONG if recipe.kind == "cached" else 0
        self._few_wrong = tuple(self._wrong.draw(rng) for _ in range(few))
        self._photos = PhotoFrames(
            samples,
            mosaic_share=recipe.mosaic_share,
            turn_share=recipe.turn_share,
            anywhere_share=recipe.anywhere_share,
        )

    def __getitem__(self, number: int) -> Batch:
        rng = random.Random(f"{self._recipe.seed}/{number}")
        stage = self._recipe.stage_at(number // self._recipe.accumulate)
        frames = [self._frame(stage, rng) for _ in range(stage.batch)]
        return Batch(
            np.stack([image for image, _, _ in frames]),
            np.stack([truth for _, truth, _ in frames]),
            tuple(prompts for _, _, prompts in frames),
            (rng.random(), rng.random()),
        )

    @property
    def few_prompts(self) -> tuple[str, ...]:
        """All that a `cached` recipe asks: the phrases of the families and a few wrong ones."""
        return (*chain.from_iterable(self._phrases.values()), *self._few_wrong)

    def scene(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
        """One unasked frame (S, S, 3) of the first stage: all truths (F, S, S), and which are known (F,).

        There are `variants` a photo. A source's photos take turns, so that none is left to chance.
        """
        rng = self._of_scene(number)
        image, truths = self._scene(self._recipe.stages[0], rng, self._turns[number])
        image = cut_out(change_looks(image, rng), rng)
        unknown = np.zeros(image.shape[:2], np.uint8)
        image, *masks = flip_and_turn([image, *(truths.get(family, unknown) for family in FAMILIES)], rng)
        return image, np.stack(masks), np.array([family in truths for family in FAMILIES])

    def ask(
        self, masks: NDArray[np.uint8], known: NDArray[np.bool_], rng: random.Random
    ) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Prompts for a frame with such truths (F, S, S), and what they should find (P, S, S)."""
        truths = dict(compress(zip(FAMILIES, masks, strict=True), known))
        prompts = self._prompts(truths, rng)
        return _stacked(_answers(prompts, truths)), tuple(phrase for _, phrase in prompts)

    def _of_scene(self, number: int) -> random.Random:
        return random.Random(f"{self._recipe.seed}/scene/{number}")

    @cached_property
    def _turns(self) -> list[list[Sample]]:
        """The photos of each scene: of a source and kind all in a shuffled order, then all in another."""
        seed, rounds, turns = self._recipe.seed, dict[str, Iterator[Sample]](), list[list[Sample]]()
        for number in range(self._recipe.variants * len(self.samples)):
            rng = self._of_scene(number)
            source = _source(self._recipe.stages[0], rng)
            turns.append([])
            for kind in self._photos.kinds_drawn(source, rng):
                key = f"{seed}/turns/{source}/{kind}"
                if key not in rounds:
                    rounds[key] = _rounds(self._photos.of(kind), random.Random(key))
                turns[-1].append(next(rounds[key]))
        return turns

    def _frame(
        self, stage: Stage, rng: random.Random
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], tuple[str, ...]]:
        image, truths = self._scene(stage, rng)
        image = cut_out(change_looks(image, rng), rng)
        prompts = self._prompts(truths, rng)
        image, *masks = flip_and_turn([image, *_answers(prompts, truths)], rng)
        return image, _stacked(masks), tuple(phrase for _, phrase in prompts)

    def _scene(self, stage: Stage, rng: random.Random, turns: Sequence[Sample] = ()) -> Scene:
        match source := _source(stage, rng):
            case "crack" | "pasted_crack" | "drywall_joint" | "pasted_joint" | "clean":
                return self._photos.draw(source, stage.size, stage.zoom, rng, turns)
            case "rendered_crack":
                family: str | None = CRACK
            case "rendered_joint":
                family = JOINT
            case _:
                family = None
        image, mask = render(family, stage.size, rng, stage.furniture_share)
        return image, {name: mask if name == family else np.zeros_like(mask) for name in (CRACK, JOINT)}

    def _prompts(
        self, truths: Mapping[str, NDArray[np.uint8]], rng: random.Random
    ) -> list[tuple[str | None, str]]:
        """Two (family, phrase): what is there, and another thing, or another family whose truth is known."""
        there = [family for family in FAMILIES if family in truths and truths[family].any()]
        first = rng.choice(there) if there else rng.choice(list(truths))
        others = [family for family in truths if family != first]
        if others and rng.random() < self._recipe.other_family_share:
            other = rng.choice(others)
            return [(family, rng.choice(self._phrases[family])) for family in (first, other)]
        return [(first, rng.choice(self._phrases[first])), (None, self._draw_wrong(rng))]

    def _draw_wrong(self, rng: random.Random) -> str:
        return rng.choice(self._few_wrong) if self._few_wrong else self._wrong.draw(rng)


def batches(source: Dataset[T], numbers: range, processes: int) -> Iterator[T]:
    """The items of these numbers in order, drawn ahead by `processes` other processes (0: none).

    Those take no notice of SIGINT, and end with this process.
    """
    loader = DataLoader(
        source,
        batch_size=None,
        sampler=numbers,
        collate_fn=_unchanged,
        worker_init_fn=_begin_drawing,
        num_workers=processes,
        multiprocessing_context="spawn" if processes else None,
    )
    with _interrupts_held() if processes else nullcontext():
        return iter(loader)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """SIGINT waits while the block runs, and for ever in the processes that it starts.

    Ctrl-C reaches all processes of a terminal at once. One that draws frames would end by it, even while it
    still imports, and its end would be an error in the process that is saving.
    """
    resource_tracker.ensure_running()  # where it is started later, it lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _source(stage: Stage, rng: random.Random) -> str:
    """What a frame is to show."""
    weights = stage.sources.model_dump()
    return rng.choices(list(weights), list(weights.values()))[0]


def _rounds(samples: Sequence[Sample], rng: random.Random) -> Iterator[Sample]:
    """All of them in a random order, then all in another, and so on."""
    while True:
        yield from rng.sample(samples, len(samples))


def _answers(
    prompts: Sequence[tuple[str | None, str]], truths: Mapping[str, NDArray[np.uint8]]
) -> list[NDArray[np.uint8]]:
    """The truth of each prompt; nothing where its family is unknown or it has none."""
    empty = np.zeros_like(next(iter(truths.values())))
    return [truths.get(family, empty) if family else empty for family, _ in prompts]


def _stacked(masks: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    return np.stack(masks).astype(np.float32) / np.float32(255)


def _unchanged(item: T) -> T:
    return item


def _begin_drawing(_: int) -> None:
    """In a process that draws frames, before its first one."""
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """torch lets such a process wait for ever to hand over its last frames to one that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
