"""Where weights come from, as their manifest tells it: base, data, licence, who is to be named."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trainer.data import Photos
from trainer.recipe import Recipe
from wallscan.models.delta import whole_folder
from wallscan.models.files import WEIGHTS, describe, read_manifest
from wallscan.models.folder import UNKNOWN_LICENCE
from wallscan.models.manifest import MANIFEST_NAME, Base, Manifest, bundle_digest

ATTRIBUTION_FILE = "ATTRIBUTION.txt"
"""Beside the photos of a data set or above them: a line for each source that is to be named."""
ROBOFLOW_FILE = "README.dataset.txt"
"""What Roboflow puts into its exports: title, address and licence."""
LEVELS = 4
"""How far above a photo its data set's folder may be."""
TOKENIZER = "Tokenizer vocabulary: CLIP, OpenAI, MIT"


@dataclass(frozen=True, slots=True)
class Origin:
    """What no file tells: the hub id of a plain base, the weights' licence, more lines of attribution."""

    hub_id: str | None = None
    licence: str | None = None
    attribution: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a manifest says of it; `delta_of` is the whole bundle that a trained decoder completes."""

    base: str | None
    licence: str
    attribution: tuple[str, ...]
    delta_of: Base | None


def origin_facts(recipe: Recipe, photos: Photos, base: Path | None, origin: Origin) -> Facts:
    """Of weights that the recipe makes of the photos and the model in the folder `base`.

    A licence that was not given is that of the base. Raises BundleError `bundle_base_missing`.
    """
    manifest, completed = None, None
    if base is not None and (base / MANIFEST_NAME).is_file():
        manifest = read_manifest(base)
        completed = _completed(base) if recipe.kind in {"decoder", "cached"} else None
    inherited = () if manifest is None else manifest.attribution
    learnt = (f"Trained on {line}" for line in attributions(photos))
    given = origin.licence or (None if manifest is None else manifest.licence)
    return Facts(
        _named(base, manifest, origin),
        given or UNKNOWN_LICENCE,
        tuple(dict.fromkeys((*inherited, *origin.attribution, *learnt, TOKENIZER))),
        completed,
    )


def attributions(photos: Photos) -> list[str]:
    """What the data sets ask to be named with, from the files they came with; each line once."""
    folders = {sample.image.parent for sample in (*photos.train, *photos.held_out)}
    return list(dict.fromkeys(line for folder in sorted(folders) for line in _lines(folder)))


def _lines(folder: Path) -> Iterable[str]:
    for above in (folder, *folder.parents[:LEVELS]):
        if (above / ATTRIBUTION_FILE).is_file():
            return _filled((above / ATTRIBUTION_FILE).read_text(encoding="utf-8", errors="replace"))
        if (above / ROBOFLOW_FILE).is_file():
            told = _filled((above / ROBOFLOW_FILE).read_text(encoding="utf-8", errors="replace"))
            return [", ".join(line.lstrip("# ") for line in told)]
    return ()


def _filled(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _named(base: Path | None, manifest: Manifest | None, origin: Origin) -> str | None:
    """Name and SHA-256 (hex) of the base: a bundle's digest, or that of plain weights."""
    if base is None:
        return None
    if manifest is not None:
        return f"{manifest.name}@{bundle_digest(manifest)}"
    return f"{origin.hub_id or base.name}@{describe(base / WEIGHTS).sha256}"


def _completed(base: Path) -> Base:
    """The base itself, or the one that it completes: a decoder is laid over a whole model."""
    whole = read_manifest(whole_folder(base))
    return Base(name=whole.name, digest=bundle_digest(whole))
