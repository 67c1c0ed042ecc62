"""The model card that travels inside a bundle."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.evaluation.judge import UNKNOWN_PROMPT
from trainer.gates import FittedGate
from trainer.origin import Facts
from trainer.recipe import Recipe
from wallscan.domain.pipelines import DEFAULT_PIPELINE
from wallscan.models.files import CURVES

TEMPLATE = """\
# {name}

{kind}

## Data
{data}

{attribution}

## How good it is
Foreground IoU and Dice, mean over photos at their own size; where mask and truth are both empty they are 1.
*raw* cuts the probability at 0.5; *standard* is the product's default pipeline behind the presence gate. A
wrong prompt fires when it marks over 0.1 % of the photo.

{tables}

`held_out` are photos kept apart by source photo, on which gates and thresholds were fitted. `valid` are those
that judge by the split that the manifest names: **where they hold copies of training photos its figures
flatter**, and `python -m trainer evaluate` says what is known of that.
{pictures}
## Presence gates
| prompt | gate | maps with it that pass | maps without it that pass |
|---|---|---|---|
{gates}

The gate under `{unknown}` serves every prompt outside the families.

## Where it fails
- Masks follow the labels it learned from. Where these are drawn wider than the crack, so are the masks:
  coverage ranks walls, it is no crack area.
- Cracks under a pixel of the {side}-px input (about {thin} px of a 4,000-px photo) are often missed or
  broken up. Tiles help.
- Rough textures, brick joints and edges can be taken for cracks; skirting boards, door frames and pipes for
  joints.
- {words}

## Licence
Weights: {licence}. What they were made from is named above, with its own terms.
"""
SCRATCH = """\
A compact CLIPSeg (transformers' `CLIPSegForImageSegmentation`: {layers} vision layers of width {width},
{patch}-px patches, {side}-px input) trained from nothing: no CLIP weights went into it. It knows what it was
trained on, in some phrasings each; every other prompt is meant to give an empty mask."""
TUNED = """\
A CLIPSeg (transformers' `CLIPSegForImageSegmentation`, {side}-px input) trained on from `{base}`: recipe
`{kind}`, {learnt}."""
LEARNT = {
    "full": "encoder and decoder learned",
    "decoder": "the decoder alone learned",
    "cached": "the decoder alone learned, on cached activations of the encoder",
    "scratch": "all of it learned",
}
HEADER = (
    "| split | photos | family | raw IoU | raw Dice | raw pooled IoU | standard IoU | wrong prompt fires, "
    "raw | standard |\n|---|---|---|---|---|---|---|---|---|"
)
EXAMPLES = """\
Photos that came out best, middling and worst, with their labels and masks:"""


def model_card(
    name: str,
    recipe: Recipe,
    facts: Facts,
    data: Sequence[str],
    metrics: Mapping[str, Any],
    gates: Mapping[str, FittedGate],
    pictures: Sequence[str] = (),
) -> str:
    """The card's Markdown; `metrics` maps a split to `tables.summary`'s answer, `pictures` are file names."""
    lines = [
        _row(split, family, numbers)
        for split, families in metrics.items()
        for family, numbers in families.items()
    ]
    gate_lines = [
        f"| {prompt} | {gate.presence:.2f} | {_share(gate.passed_with)} | {_share(gate.passed_without)} |"
        for prompt, gate in gates.items()
    ]
    return TEMPLATE.format(
        name=name,
        kind=_kind(recipe, facts),
        data=_listed(data),
        attribution=_listed(facts.attribution),
        side=recipe.image_size,
        unknown=UNKNOWN_PROMPT,
        thin=round(4000 / recipe.image_size),
        tables="\n".join((HEADER, *lines)),
        pictures=_shown(pictures),
        gates="\n".join(gate_lines),
        words="Words outside the families mean nothing to it."
        if facts.base is None
        else "Words outside the families mean what they meant to its base, or less.",
        licence=facts.licence,
    )


def _kind(recipe: Recipe, facts: Facts) -> str:
    template = SCRATCH if facts.base is None else TUNED
    return template.format(
        layers=recipe.layers,
        width=recipe.width,
        patch=recipe.patch_size,
        side=recipe.image_size,
        base=facts.base,
        kind=recipe.kind,
        learnt=LEARNT[recipe.kind],
    )


def _shown(pictures: Sequence[str]) -> str:
    curves = [f"![Loss and held-out IoU by epoch]({CURVES})"] if CURVES in pictures else []
    samples = [f"![{name}]({name})" for name in pictures if name != CURVES]
    return "\n" + "\n\n".join([*curves, *([EXAMPLES] if samples else []), *samples, ""])


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _row(split: str, family: str, numbers: Mapping[str, Any]) -> str:
    raw, standard = numbers["raw"], numbers[DEFAULT_PIPELINE]
    cells = (split, raw["images"], family, raw["mean_iou"], raw["mean_dice"], raw["pooled_iou"])
    fired = [_share(way.get("wrong_prompt_fired")) for way in (raw, standard)]
    return "| " + " | ".join(map(str, (*cells, standard["mean_iou"], *fired))) + " |"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
