"""Deltas: bundles that hold a decoder alone, and the whole bundle that completes them."""

from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.files import check_files, read_manifest
from wallscan.models.manifest import MANIFEST_NAME, Base, Manifest, bundle_digest


def whole_folder(folder: Path) -> Path:
    """Where configuration, tokenizer and encoder of the bundle in `folder` are: there, or at its base.

    The base lies beside the delta, under any name; its files are checked. Raises BundleError
    `bundle_base_missing`, and what `check_files` says of a damaged base.
    """
    if not (folder / MANIFEST_NAME).is_file():
        return folder
    base = read_manifest(folder).delta_of
    return folder if base is None else _beside(folder, base)


def _beside(folder: Path, base: Base) -> Path:
    for candidate in _candidates(folder.resolve().parent, base):
        manifest = _manifest(candidate)
        if manifest is not None and bundle_digest(manifest) == base.digest and manifest.delta_of is None:
            check_files(candidate)
            return candidate
    raise BundleError(
        Code.BUNDLE_BASE_MISSING,
        f"{folder.name} needs the model {base.name} {base.digest[:12]}: its folder must lie beside",
    )


def _candidates(parent: Path, base: Base) -> list[Path]:
    """A cache names folders by digest, people name them as they like."""
    named = parent / base.digest
    return [named] if named.is_dir() else sorted(path for path in parent.iterdir() if path.is_dir())


def _manifest(folder: Path) -> Manifest | None:
    """None where a neighbour is no bundle: it is not the one that is looked for."""
    try:
        return read_manifest(folder)
    except (BundleError, OSError):
        return None
