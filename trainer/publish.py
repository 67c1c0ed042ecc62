"""From averaged weights to a bundle: half-precision safetensors, gates, metrics, model card."""

import datetime as dt
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file
from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

import wallscan
from trainer.calibration.fit import fit_families, fitted_fields, fitted_metrics
from trainer.card import model_card
from trainer.card_pictures import write_pictures
from trainer.data import Photos, digest_of
from trainer.evaluation.judge import judge
from trainer.evaluation.tables import summary
from trainer.learnt import write_learnt
from trainer.origin import Facts, Origin, learnt_before, origin_facts
from trainer.recipe import Recipe, Sources
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.files import CARD, DECODER, PREPROCESSOR, write_manifest
from wallscan.models.folder import CLIPSEG_PREPROCESSOR
from wallscan.models.manifest import MANIFEST_NAME, Manifest, ModelName
from wallscan.segment.bundle import check_bundle

NOTHING_TOLD = Origin()


def publish(
    model: CLIPSegForImageSegmentation,
    tokenizer: CLIPTokenizer,
    recipe: Recipe,
    photos: Photos,
    out: Path,
    name: str,
    base: Path | None = None,
    origin: Origin = NOTHING_TOLD,
    curves: Path | None = None,
) -> Manifest:
    """Write the bundle to `out`, all or nothing; a bundle that is there is replaced.

    Gates are fitted on the photos held out, metrics taken on them and on `valid`. Where the base is a bundle
    and only the decoder learned, the decoder alone is written, as a delta. Raises TrainingError
    `output_taken`, and BundleError `bundle_base_missing` or `bundle_manifest_invalid` (the name).
    """
    require_name(name)
    require_out(out, *based_on(base))
    facts = origin_facts(recipe, photos, base, origin)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".publishing-") as scratch:
        built = Path(scratch, "bundle")
        built.mkdir()
        if base is not None and facts.delta_of is not None:
            Path(scratch, facts.delta_of.digest).symlink_to(whole_folder(base).resolve())
            decoder = {key: value.contiguous() for key, value in model.half().decoder.state_dict().items()}
            save_file(decoder, built / DECODER)
        else:
            _write_whole(model, tokenizer, recipe, built)
        write_learnt(photos, base, built)
        data = (*_data(recipe, photos), *learnt_before(base, photos))
        told = _facts(recipe, photos, name, facts, data)
        manifest = described(built, told, recipe, photos, facts, curves)
        put_in_place(built, out)
    return manifest


def require_name(name: str) -> None:
    """Raises BundleError `bundle_manifest_invalid` where no model may be called so."""
    try:
        TypeAdapter(ModelName).validate_python(name)
    except ValidationError as error:
        raise BundleError(
            Code.BUNDLE_MANIFEST_INVALID, f"name: {name[:80]!r}: {error.errors()[0]['msg']}"
        ) from error


def require_out(out: Path, *needed: Path) -> None:
    """Raises TrainingError `output_taken` where `out` is neither new, nor empty, nor a bundle.

    And where one of the `needed` folders is it or lies in it: what is there is replaced.
    """
    for folder in needed:
        if folder.resolve().is_relative_to(out.resolve()):
            raise TrainingError(Code.OUTPUT_TAKEN, f"{out} would take the place of {folder}, which is needed")
    if out.exists() and not (out.is_dir() and ((out / MANIFEST_NAME).is_file() or not any(out.iterdir()))):
        raise TrainingError(Code.OUTPUT_TAKEN, f"{out} holds something else than a bundle")


def based_on(base: Path | None) -> tuple[Path, ...]:
    """The folders that a model needs which starts from the one in `base`. Raises `bundle_base_missing`."""
    return () if base is None else (base, whole_folder(base))


def put_in_place(built: Path, out: Path) -> None:
    """Move the folder `built` to `out`; what is there moves beside `built`, and back where this fails.

    Deleting it first would leave neither to a process that is killed while it does.
    """
    replaced = built.with_name("replaced")
    try:
        if out.exists():
            out.rename(replaced)
        built.rename(out)
    except BaseException:
        if replaced.exists():
            replaced.rename(out)
        raise


def _write_whole(
    model: CLIPSegForImageSegmentation, tokenizer: CLIPTokenizer, recipe: Recipe, out: Path
) -> None:
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"), pretty=False)  # half the bytes are blanks
    (out / "generation_config.json").unlink(missing_ok=True)
    side = {"height": recipe.image_size, "width": recipe.image_size}
    looks = {"size": side, "image_mean": recipe.image_mean, "image_std": recipe.image_std}
    (out / PREPROCESSOR).write_text(json.dumps({**CLIPSEG_PREPROCESSOR, **looks}, indent=2), encoding="utf-8")


def described(
    out: Path, facts: dict[str, Any], recipe: Recipe, photos: Photos, origin: Facts, curves: Path | None
) -> Manifest:
    """Fit, measure and write down all that is known about the weights in `out`.

    `facts` is what the manifest says before anything is measured.
    """
    write_manifest(out, {**facts, "default_presence": 0.5})
    fitted = fit_families(check_bundle(out), photos.held_out, recipe.seed)
    facts = facts | fitted_fields(fitted, photos.classes.phrases())
    write_manifest(out, facts)
    engine = check_bundle(out)
    verdicts = {
        split: judge(engine, samples)
        for split, samples in (("held_out", photos.held_out), ("valid", photos.valid))
        if samples
    }
    metrics = {split: summary(verdict) for split, verdict in verdicts.items()}
    shown, verdict = (photos.valid or photos.held_out), list(verdicts.values())[-1]
    pictures = write_pictures(engine, shown, verdict.judged, curves, out)
    card = model_card(facts["name"], recipe, origin, facts["data"], metrics, fitted.gates, pictures)
    (out / CARD).write_text(card, encoding="utf-8")
    return write_manifest(out, facts | {"metrics": {**metrics, **fitted_metrics(fitted)}})


def _facts(recipe: Recipe, photos: Photos, name: str, origin: Facts, data: tuple[str, ...]) -> dict[str, Any]:
    """All of the manifest that is known before anything is measured."""
    return {
        "name": name,
        "created_at": dt.datetime.now(dt.UTC),
        "base": origin.base,
        "licence": origin.licence,
        "attribution": origin.attribution,
        "delta_of": origin.delta_of,
        "data": data,
        "data_digest": photos.digest(),
        "split": photos.split,
        "held_out_digest": digest_of(photos.held_out),
        "recipe": recipe.model_dump(mode="json"),
        "seed": recipe.seed,
        "made_with": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "wallscan": wallscan.__version__,
        },
    }


def _data(recipe: Recipe, photos: Photos) -> tuple[str, ...]:
    """What was learned from, in words."""
    learnt = [
        f"{sum(family in sample.families for sample in photos.train)} photos that show: {family}"
        for family in sorted({family for sample in photos.train for family in sample.families})
    ]
    stages = (*recipe.stages, *(recipe.teacher.stages if recipe.teacher else ()))
    drawn = any(share for stage in stages for share in _rendered(stage.sources))
    taught = ["maps of a U-Net that was trained on the same photos"] if recipe.teacher else []
    return (*learnt, *(["walls, cracks and seams rendered while training"] if drawn else []), *taught)


def _rendered(sources: Sources) -> tuple[float, ...]:
    """Also what is rendered into photos."""
    pasted = sources.pasted_crack, sources.pasted_joint
    return *pasted, sources.rendered_crack, sources.rendered_joint, sources.rendered_clean
