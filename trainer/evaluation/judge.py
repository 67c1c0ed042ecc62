"""A model against annotated photos: overlap with the truth, and whether it keeps silent when it should."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data import Sample, load_rgb
from trainer.evaluation.metrics import Overlap, summary
from wallscan.domain.pipelines import FOUNDING
from wallscan.measure.measured import measured
from wallscan.segment.engine import Engine

RAW_THRESHOLD = 0.5
FIRED_SHARE = 0.001
"""A mask over more than this share of the photo counts as firing; less is a speck."""
FAMILY_PROMPTS = ("crack", "drywall joint")
UNKNOWN_PROMPT = "a cat"


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo: its right prompt's overlaps, and what each wrong prompt did (share of the photo marked)."""

    image: str
    family: str
    raw: Overlap
    founding: Overlap
    wrong_raw: Mapping[str, float]
    wrong_founding: Mapping[str, float]


def judge(engine: Engine, sample: Sample) -> Judged:
    """Run the right prompt, the other family's and one that means nothing on a photo."""
    image = load_rgb(sample.image)
    family = sample.families[0]
    truth = sample.truth(family, *image.shape[:2]) > 0
    prompts = (*FAMILY_PROMPTS, UNKNOWN_PROMPT)
    maps = dict(zip(prompts, engine.probabilities(image, prompts), strict=True))
    raw = {prompt: raw_mask(maps[prompt], *truth.shape) for prompt in prompts}
    founding = {prompt: founding_mask(engine, prompt, maps[prompt], *truth.shape) for prompt in prompts}
    wrong = [prompt for prompt in prompts if prompt != family]
    return Judged(
        image=sample.image.name,
        family=family,
        raw=Overlap.of(raw[family], truth),
        founding=Overlap.of(founding[family], truth),
        wrong_raw={prompt: float(raw[prompt].mean()) for prompt in wrong},
        wrong_founding={prompt: float(founding[prompt].mean()) for prompt in wrong},
    )


def raw_mask(probability: NDArray[np.float32], height: int, width: int) -> NDArray[np.bool_]:
    """The map at the photo's size, cut at 0.5."""
    grown = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown > RAW_THRESHOLD, np.bool_)


def founding_mask(
    engine: Engine, prompt: str, probability: NDArray[np.float32], height: int, width: int
) -> NDArray[np.bool_]:
    """The mask as the product makes it: presence gate, then the founding pipeline."""
    gate = engine.manifest.gate_for(prompt).presence
    result = measured(probability, height_px=height, width_px=width, gate=gate, postprocess=FOUNDING)
    return result.mask > 0


def evaluate(engine: Engine, samples: Iterable[Sample]) -> list[Judged]:
    """Judge every sample."""
    return [judge(engine, sample) for sample in samples]


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Per family and over all: overlaps raw and post-processed, and how often wrong prompts fire."""
    groups = {family: [one for one in judged if one.family == family] for family in FAMILY_PROMPTS}
    groups["all"] = list(judged)
    return {name: _group(members) for name, members in groups.items() if members}


def rows(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """One flat row per photo."""
    return [
        {
            "image": one.image,
            "family": one.family,
            "raw_iou": round(one.raw.iou, 4),
            "founding_iou": round(one.founding.iou, 4),
            "wrong_raw": {prompt: round(share, 5) for prompt, share in one.wrong_raw.items()},
            "wrong_founding": {prompt: round(share, 5) for prompt, share in one.wrong_founding.items()},
        }
        for one in judged
    ]


def _group(members: Sequence[Judged]) -> dict[str, Any]:
    return {
        "raw": summary([one.raw for one in members]) | _fired([one.wrong_raw for one in members]),
        "founding": summary([one.founding for one in members])
        | _fired([one.wrong_founding for one in members]),
    }


def _fired(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    flat = [share for one in shares for share in one.values()]
    return {"wrong_prompt_fired": round(float(np.mean([share > FIRED_SHARE for share in flat])), 4)}
