"""The model card that travels inside a bundle."""

from collections.abc import Mapping
from typing import Any

from trainer.evaluation.judge import UNKNOWN_PROMPT
from trainer.gates import FittedGate
from trainer.recipe import Recipe

TEMPLATE = """\
# {name}

A compact CLIPSeg (transformers' `CLIPSegForImageSegmentation`: {layers} vision layers of width {width},
{patch}-px patches, {side}-px input) trained from nothing: no CLIP weights went into it. It knows two things,
cracks and drywall joints, in some phrasings each; every other prompt is meant to give an empty mask.

## Data
- *cracks-3ii36* by fyp-ny1jt and *drywall-join-detect* by objectdetect-pu6rn, Roboflow Universe, CC BY 4.0:
  the training folders, one copy per photo.
- Walls rendered while training: with cracks, with seams, clean ones, and things that look like cracks.

## How good it is
Foreground IoU and Dice, mean over photos at their own size; where mask and truth are both empty they are 1.
*raw* cuts the probability at 0.5; *founding* is the product's pipeline behind the presence gate. A wrong
prompt fires when it marks over 0.1 % of the photo.

{tables}

`held_out` are training photos kept apart by source photo; the presence gates were fitted on them. `valid` is
the official validation folder: its crack photos are nearly clean, but **almost every joint photo there has a
sibling in the training folder**, so its joint figures flatter.

## Presence gates
| prompt | gate | maps with it that pass | maps without it that pass |
|---|---|---|---|
{gates}

The gate under `{unknown}` serves every prompt outside the two families.

## Where it fails
- Labels are drawn wider than the crack, and masks follow them in part: coverage ranks walls, it is no crack
  area.
- Cracks under a pixel of the {side}-px input (about {thin} px of a 4,000-px photo) are often missed or
  broken up.
- Cracks on bare plasterboard are often missed: training showed seams there, hardly ever cracks.
- Rough textures, brick joints and edges can be taken for cracks; skirting boards, door frames and pipes for
  joints.
- Words outside the two families mean nothing to it.

## Licence
Weights: Apache-2.0. Data: CC BY 4.0, attribution above. Tokenizer vocabulary: CLIP, OpenAI, MIT.
"""
HEADER = (
    "| split | photos | family | raw IoU | raw Dice | raw pooled IoU | founding IoU | wrong prompt fires, "
    "raw | founding |\n|---|---|---|---|---|---|---|---|---|"
)


def model_card(name: str, recipe: Recipe, metrics: Mapping[str, Any], gates: Mapping[str, FittedGate]) -> str:
    """The card's Markdown; `metrics` maps a split to `tables.summary`'s answer."""
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
        layers=recipe.layers,
        width=recipe.width,
        patch=recipe.patch_size,
        side=recipe.image_size,
        unknown=UNKNOWN_PROMPT,
        thin=round(4000 / recipe.image_size),
        tables="\n".join((HEADER, *lines)),
        gates="\n".join(gate_lines),
    )


def _row(split: str, family: str, numbers: Mapping[str, Any]) -> str:
    raw, founding = numbers["raw"], numbers["founding"]
    cells = (split, raw["images"], family, raw["mean_iou"], raw["mean_dice"], raw["pooled_iou"])
    fired = (_share(raw["wrong_prompt_fired"]), _share(founding["wrong_prompt_fired"]))
    return "| " + " | ".join(map(str, (*cells, founding["mean_iou"], *fired))) + " |"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
