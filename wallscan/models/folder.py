"""Turning a plain transformers folder, as a hub hands it out, into a bundle."""

import datetime as dt
import json
import shutil
from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.files import (
    ALLOWED,
    PREPROCESSOR,
    WEIGHTS,
    check_architecture,
    check_files,
    refused_manifest,
    require_files,
    write_manifest,
)
from wallscan.models.manifest import MANIFEST_NAME, Manifest

UNFITTED_PRESENCE = 0.3
"""The gate of weights that were never looked at on clean walls: zero-shot CLIPSeg answers low and broad."""
UNKNOWN_LICENCE = "unknown"
CLIPSEG_PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 352, "width": 352},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
"""What CLIPSeg was published with; used where a folder holds no preprocessor configuration."""


def packed(source: Path, scratch: Path, *, name: str, base: str | None = None) -> tuple[Path, Manifest]:
    """A bundle's folder and manifest: `source` itself where it is one, else the new folder `scratch`.

    A bundle keeps the name it has. Raises BundleError as `check_files` and `from_model_folder` do.
    """
    if (source / MANIFEST_NAME).is_file():
        return source, check_files(source)
    return scratch, from_model_folder(source, scratch, name=name, base=base)


def from_model_folder(
    source: Path, out: Path, *, name: str, base: str | None = None, licence: str = UNKNOWN_LICENCE
) -> Manifest:
    """Copy what transformers needs from `source` into the new folder `out` and write its manifest.

    Weights are copied byte for byte. Raises BundleError `bundle_file_missing`, `bundle_file_forbidden`
    (the weights are there as a pickle only), `bundle_architecture_unsupported` or `bundle_manifest_invalid`
    (no model may be called so).
    """
    _refuse_pickle_only(source)
    out.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.name in ALLOWED and path.is_file():
            shutil.copyfile(path, out / path.name)
    if not (out / PREPROCESSOR).exists():
        (out / PREPROCESSOR).write_text(json.dumps(CLIPSEG_PREPROCESSOR, indent=2), encoding="utf-8")
    require_files(path.name for path in out.iterdir())
    check_architecture(out)
    facts = {
        "name": name,
        "base": base,
        "created_at": dt.datetime.now(dt.UTC),
        "licence": licence,
        "default_presence": UNFITTED_PRESENCE,
    }
    with refused_manifest():
        return write_manifest(out, facts)


def _refuse_pickle_only(source: Path) -> None:
    if (source / WEIGHTS).exists():
        return
    pickled = sorted(
        path.name for path in source.iterdir() if path.suffix in {".bin", ".pt", ".pth", ".ckpt"}
    )
    if pickled:
        raise BundleError(
            Code.BUNDLE_FILE_FORBIDDEN,
            f"{pickled[0]} is a pickle and is never loaded; save the model as {WEIGHTS}",
        )
