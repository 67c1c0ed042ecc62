"""The tables for people, in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainer.evaluation.ways import PIPELINES, WAYS

HONEST_ROWS: Mapping[str, str] = {
    "photo_iou": "foreground IoU, mean over photos",
    "pooled_iou": "foreground IoU, pooled",
    "pooled_fg_bg_iou": "mean of foreground and background IoU, pooled",
    "dice": "Dice, mean over photos",
    "pixel_accuracy": "pixel accuracy, mean over photos",
    "tolerance_f1": "F1 with 2 px tolerance",
    "centre_line_iou": "centre-line IoU (clIoU), 4 px, mean over photos",
    "pooled_centre_line_iou": "centre-line IoU (clIoU), 4 px, pooled",
    "specificity": "specificity: photos without it that stay silent",
    "pixel_specificity": "specificity: their pixels left unmarked",
}
CROSS_ENTROPY = "cross-entropy of the map, nats, mean over photos"
NONE_LEFT = "None: no photos to learn from lie under the data, or every photo that judges has one."


def markdown(document: Mapping[str, Any]) -> str:
    """All tables of a document (see `document.document`)."""
    return (
        "\n\n".join(
            [
                f"# {document['model']['name']} on {document['data']['split']}",
                _facts(document),
                "## The founding report's table",
                report_markdown(document["report"]),
                "## All scores, with 95 % intervals over source photos",
                honest_markdown(document["honest"]),
                "## Phrasings",
                phrasing_markdown(document["phrasings"]),
                "## Prompts for what is not there",
                silence_markdown(document["wrong_prompts"], document["false_alarms"]),
                "## Estimated coverage",
                coverage_markdown(document["coverage"]),
                "## Photos with a relative among those learnt from",
                leaks_markdown(document["leaks"], document["model"]),
                "## All scores, on photos without one",
                honest_markdown(document["leak_free"]) if document["leak_free"] else NONE_LEFT,
            ]
        )
        + "\n"
    )


def _facts(document: Mapping[str, Any]) -> str:
    model, data = document["model"], document["data"]
    return (
        f"Model `{model['digest'][:12]}`, {data['photos']} photos of {data['groups']} source photos, "
        f"averaged over: {data['tta']}. An empty mask against an empty truth counts 1, an "
        "empty one against a full one 0. Tolerances are for a photo of 640 px and grow with it."
    )


def report_markdown(report: Mapping[str, Any]) -> str:
    """Mean ± deviation over photos by way; then each pipeline against the raw cut, photo by photo."""
    head = ("", "photos", "mask", "foreground IoU", "Dice", "pixel accuracy", "BCE")
    scores = [
        (name, row["photos"], way, *_mean_and_deviation(row[way]), f"{row['cross_entropy']:.4f}")
        for name, row in report.items()
        for way in WAYS
    ]
    versus_head = ("", "pipeline against raw", "win", "tie", "loss", "IoU difference", "Dice difference")
    versus = [
        (name, way, *_versus(row["against_raw"][way])) for name, row in report.items() for way in PIPELINES
    ]
    return f"{table(head, scores)}\n\n{table(versus_head, versus)}"


def _mean_and_deviation(row: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [f"{value['mean']:.3f} ± {value['sd']:.3f}" for value in row.values()]


def _versus(row: Mapping[str, Any]) -> list[str]:
    differences = (interval(row[key], "+.3f") for key in ("photo_iou_difference", "dice_difference"))
    return [str(row["win"]), str(row["tie"]), str(row["loss"]), *differences]


def honest_markdown(honest: Mapping[str, Any]) -> str:
    """One row a score and group, one column a way; the cross-entropy is that of the map, before any way."""
    rows: list[Sequence[object]] = []
    for name, row in honest.items():
        rows += [
            (name, title, *(interval(row[way][key]) for way in WAYS))
            for key, title in HONEST_ROWS.items()
            if key in row[WAYS[0]]
        ]
        rows.append((name, CROSS_ENTROPY, interval(row["cross_entropy"]), *["-"] * (len(WAYS) - 1)))
    return table(("", "score", *WAYS), rows)


def phrasing_markdown(phrasings: Mapping[str, Any]) -> str:
    """Every phrase with its mean foreground IoU, best first, and the spread."""
    parts = []
    for family, row in phrasings.items():
        ranked = sorted(row["photo_iou"].items(), key=lambda entry: -entry[1])
        head = (f"{family}: phrase", "foreground IoU, raw")
        spread = interval(row["worst_minus_best"], "+.3f")
        parts.append(table(head, [(phrase, f"{iou:.3f}") for phrase, iou in ranked]))
        parts.append(f"Worst minus best: {spread}.")
    return "\n\n".join(parts)


def silence_markdown(wrong_prompts: Mapping[str, Any], false_alarms: Mapping[str, Any]) -> str:
    """Shares of photos and squares that fire."""
    rows: list[Sequence[object]] = [
        (f"wrong prompt: {name}", row["asked"], *(percent(row[way]) for way in WAYS))
        for name, row in wrong_prompts.items()
        if name != "by_phrase"
    ]
    rows += [
        (
            f"squares without {family}, {source.replace('_', ' ')}",
            row["asked"],
            *(percent(row[w]) for w in WAYS),
        )
        for family, sources in false_alarms.items()
        for source, row in sources.items()
    ]
    return table(("fires", "asked", *WAYS), rows)


def coverage_markdown(coverage: Mapping[str, Any]) -> str:
    """How often the interval of the estimated coverage holds what was annotated, and how far it is off."""
    if not coverage:
        return "The model brings no calibration."
    rows = [
        (
            f"{family}, {part}",
            row["photos"],
            percent(row["held_share"]),
            interval(row["error_pct"], "+.2f"),
            interval(row["absolute_error_pct"], ".2f"),
            f"{row['median_width_pct']:.2f}",
        )
        for family, parts in coverage.items()
        for part, row in parts.items()
    ]
    head = (
        "",
        "photos",
        "90 % interval holds",
        "error, points",
        "absolute error",
        "median width of the interval",
    )
    return table(head, rows)


def leaks_markdown(leaks: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """How many photos share what with one that the split gives to learn from, and the model's own split."""
    head = ("", "photos", "the same picture", "share a source photo", "look like one", "share a scene")
    rows = [
        (family, *(row[key] for key in ("photos", "any", "source", "looks", "scene")))
        for family, row in leaks.items()
    ]
    by = "by a split that is not known" if model["split"] is None else f"by the split `{model['split']}`"
    doubt = f" **{model['doubt']}**" if model["doubt"] else ""
    return f"{table(head, rows)}\n\nThe model was trained {by}.{doubt}"


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(value: Mapping[str, float], form: str = ".3f") -> str:
    """Mean and bounds."""
    return f"{value['mean']:{form}} [{value['low']:{form}}, {value['high']:{form}}]"


def percent(value: Mapping[str, float]) -> str:
    """Mean and bounds of a share."""
    mean, low, high = (100 * value[key] for key in ("mean", "low", "high"))
    return f"{mean:.1f} % [{low:.1f}, {high:.1f}]"
