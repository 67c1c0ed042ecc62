"""Where weights come from, as their manifest tells it: base, data, licence, who is to be named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.data import Photos, digest_of
from trainer.data.report import printable
from trainer.recipe import Recipe
from wallscan.models.delta import whole_folder
from wallscan.models.files import WEIGHTS, describe, read_manifest
from wallscan.models.folder import UNKNOWN_LICENCE
from wallscan.models.manifest import MANIFEST_NAME, Base, Manifest, bundle_digest

ATTRIBUTION_FILE = "ATTRIBUTION.txt"
"""Beside the photos of a data set or above them: a line for each source that is to be named. UTF-8."""
ROBOFLOW_FILE = "README.dataset.txt"
"""What Roboflow puts into its exports: title, address and licence."""
MOST_LINES = 100
"""Data sets come from anywhere, and a manifest has to stay small: of more lines only the number is told."""
_MOST_CHARACTERS = 64 << 10
MAY_HOLD_JUDGES = "photos held out here may be among it"
VOUCHED = "gates and held-out figures of photos that its training is said not to have seen"
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


def learnt_before(base: Path | None, photos: Photos) -> tuple[str, ...]:
    """A line for the manifest's `data` where the base may have learnt from photos that judge now.

    None for a base that is no bundle or learnt from no photos, and none where it learnt from and held out
    these same photos: of any others nobody can tell, as a bundle holds digests of all its photos together.
    """
    if base is None or not (base / MANIFEST_NAME).is_file():
        return ()
    manifest = read_manifest(base)
    same = (manifest.data_digest, manifest.held_out_digest) == (photos.digest(), digest_of(photos.held_out))
    learnt = [line for line in manifest.data if not line.startswith(VOUCHED)]
    if not learnt or (same and not doubtful(manifest)):
        return ()
    return (f"what {manifest.name} had learnt from: {MAY_HOLD_JUDGES}",)


def doubtful(manifest: Manifest) -> bool:
    """Whether a base that the weights come from may have learnt from photos that judged them."""
    return any(MAY_HOLD_JUDGES in line for line in manifest.data)


def attributions(photos: Photos) -> list[str]:
    """What the data sets ask to be named with, from the files they came with; each line once, printable."""
    folders = {sample.image.parent for sample in (*photos.train, *photos.held_out)}
    told = (line for folder in sorted(folders) for line in _lines(folder, photos.roots))
    lines = list(dict.fromkeys(printable(line) for line in told if line))
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"{more} more sources, named in the data sets"]


def _lines(folder: Path, roots: Sequence[Path]) -> Iterable[str]:
    """Of the nearest file, in the folder or above it within a root."""
    for above in (folder, *folder.parents):
        if not any(above.is_relative_to(root) for root in roots):
            break
        if (above / ATTRIBUTION_FILE).is_file():
            return _filled(above / ATTRIBUTION_FILE)
        if (above / ROBOFLOW_FILE).is_file():
            return [", ".join(line.lstrip("# ") for line in _filled(above / ROBOFLOW_FILE))]
    return ()


def _filled(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.strip() for line in file.read(_MOST_CHARACTERS).splitlines() if line.strip()]


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
