"""The JSON document of an evaluation. docs/evaluation.md says what each number means."""

import dataclasses
from typing import Any

from trainer.evaluation.coverage_table import coverage_table, rows
from trainer.evaluation.intervals import DRAWS, LEVEL
from trainer.evaluation.judge import FIRED_SHARE, Judged, Negative, Questions, Verdict
from trainer.evaluation.metrics import AREA_TOLERANCE_PX, LINE_TOLERANCE_PX, REFERENCE_SIDE_PX
from trainer.evaluation.phrasing import phrasings
from trainer.evaluation.silence import false_alarms, wrong_prompts
from trainer.evaluation.tables import PER_PHOTO, SEED, TIE, honest_table, report_table
from trainer.evaluation.ways import PIPELINES, RAW_THRESHOLD

FORMAT_VERSION = 1


def document(verdict: Verdict, asked: Questions) -> dict[str, Any]:
    """Every table and every row; the caller adds what was evaluated on what."""
    return {
        "format_version": FORMAT_VERSION,
        "rules": rules(asked),
        "report": report_table(verdict),
        "honest": honest_table(verdict),
        "phrasings": phrasings(verdict),
        "wrong_prompts": wrong_prompts(verdict),
        "false_alarms": false_alarms(verdict),
        "coverage": coverage_table(verdict.estimates),
        "left_out": verdict.left_out,
        "photos": [_judged_row(one) for one in verdict.judged],
        "negatives": [_negative_row(one) for one in verdict.negatives],
        "estimates": rows(verdict.estimates),
    }


def rules(asked: Questions) -> dict[str, Any]:
    """All that a number depends on beside the model and the photos."""
    return {
        "empty_against_empty": 1.0,
        "empty_against_something": 0.0,
        "raw_threshold": RAW_THRESHOLD,
        "pipelines": {name: dict(parameters) for name, parameters in PIPELINES.items()},
        "fired_share": FIRED_SHARE,
        "tie_photo_iou": TIE,
        "reference_side_px": REFERENCE_SIDE_PX,
        "area_tolerance_px": AREA_TOLERANCE_PX,
        "line_tolerance_px": LINE_TOLERANCE_PX,
        "bootstrap": {"level": LEVEL, "draws": DRAWS, "seed": SEED, "clusters": "source photo"},
        "phrases": {family: list(phrases) for family, phrases in asked.phrases.items()},
        "unrelated_prompt": asked.unrelated,
    }


def _judged_row(one: Judged) -> dict[str, Any]:
    return {
        "image": one.image,
        "group": one.group,
        "family": one.family,
        "prompt": one.prompt,
        "cross_entropy": round(one.cross_entropy, 5),
        "ways": {
            way: {key: round(score(scores), 5) for key, score in PER_PHOTO.items()}
            | {"counts": dataclasses.asdict(scores.overlap), "centre_line": dataclasses.asdict(scores.line)}
            for way, scores in one.scores.items()
        },
        "phrasings": {phrase: round(iou, 5) for phrase, iou in one.phrasings.items()},
    }


def _negative_row(one: Negative) -> dict[str, Any]:
    return {
        "image": one.image,
        "group": one.group,
        "family": one.family,
        "prompt": one.prompt,
        "square": None if one.square is None else dataclasses.asdict(one.square),
        "has_family": one.has_family,
        "marked_share": {way: round(share, 6) for way, share in one.marked.items()},
    }
