"""From averaged weights to a bundle: half-precision safetensors, gates, metrics, model card."""

import datetime as dt
import json
from pathlib import Path

from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

from trainer.calibration.fit import fit_families, fitted_fields, fitted_metrics
from trainer.card import model_card
from trainer.data import Photos
from trainer.evaluation.judge import judge
from trainer.evaluation.tables import summary
from trainer.recipe import Recipe
from wallscan.models.files import PREPROCESSOR, write_manifest
from wallscan.models.folder import CLIPSEG_PREPROCESSOR
from wallscan.models.manifest import Manifest
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
    facts |= {"recipe": recipe.model_dump(mode="json")}
    write_manifest(out, {**facts, "default_presence": 0.5})
    fitted = fit_families(check_bundle(out), photos.held_out, recipe.seed)
    facts |= fitted_fields(fitted)
    write_manifest(out, facts)
    engine = check_bundle(out)
    metrics = {
        split: summary(judge(engine, samples))
        for split, samples in (("held_out", photos.held_out), ("valid", photos.valid))
        if samples
    }
    (out / "model-card.md").write_text(model_card(name, recipe, metrics, fitted.gates), encoding="utf-8")
    return write_manifest(out, facts | {"metrics": {**metrics, **fitted_metrics(fitted)}})
