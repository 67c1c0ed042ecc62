"""From averaged weights to a bundle: half-precision safetensors, gates, metrics, model card."""

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

from trainer.card import model_card
from trainer.data import Classes, Photos
from trainer.evaluation.judge import UNKNOWN_PROMPT, judge
from trainer.evaluation.tables import summary
from trainer.gates import FittedGate, fit_gates
from trainer.recipe import Recipe
from wallscan.models.files import PREPROCESSOR, write_manifest
from wallscan.models.folder import CLIPSEG_PREPROCESSOR
from wallscan.models.manifest import Family, Manifest
from wallscan.segment.bundle import check_bundle

LICENCE = "Apache-2.0"
ATTRIBUTION = (
    "Trained on 'cracks-3ii36' by fyp-ny1jt, Roboflow Universe, CC BY 4.0",
    "Trained on 'drywall-join-detect' by objectdetect-pu6rn, Roboflow Universe, CC BY 4.0",
    "Tokenizer vocabulary: CLIP, OpenAI, MIT",
)


def publish(
    model: CLIPSegForImageSegmentation,
    tokenizer: CLIPTokenizer,
    recipe: Recipe,
    photos: Photos,
    out: Path,
    name: str,
) -> Manifest:
    """Write the bundle to `out`: gates fitted on the photos held out, metrics on them and on `valid`."""
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    side = {"height": recipe.image_size, "width": recipe.image_size}
    looks = {"size": side, "image_mean": recipe.image_mean, "image_std": recipe.image_std}
    (out / PREPROCESSOR).write_text(json.dumps({**CLIPSEG_PREPROCESSOR, **looks}, indent=2), encoding="utf-8")
    facts = {
        "name": name,
        "created_at": dt.datetime.now(dt.UTC),
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
    }
    facts |= {"data": ("cracks-3ii36 train", "drywall-join-detect train", "rendered walls")}
    facts |= {"recipe": recipe.model_dump(mode="json"), "data_digest": photos.digest()}
    write_manifest(out, {**facts, "default_presence": 0.5})
    gates = fit_gates(check_bundle(out), photos.held_out, recipe.seed)
    write_manifest(out, facts | _gated(gates, photos.classes))
    engine = check_bundle(out)
    metrics = {
        split: summary(judge(engine, samples))
        for split, samples in (("held_out", photos.held_out), ("valid", photos.valid))
        if samples
    }
    (out / "model-card.md").write_text(model_card(name, recipe, metrics, gates), encoding="utf-8")
    fitted = {prompt: dataclasses.asdict(gate) for prompt, gate in gates.items()}
    return write_manifest(
        out, facts | _gated(gates, photos.classes) | {"metrics": {**metrics, "gates": fitted}}
    )


def _gated(gates: Mapping[str, FittedGate], classes: Classes) -> dict[str, Any]:
    families = [
        Family(name=name, phrases=phrases, presence=gates[name].presence)
        for name, phrases in classes.phrases().items()
    ]
    return {"families": families, "default_presence": gates[UNKNOWN_PROMPT].presence}
