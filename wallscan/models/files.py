"""Bundles on disk: which files may be there, and that they are the ones the manifest names."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.manifest import MANIFEST_NAME, QUANTISED, BundleFile, Manifest

WEIGHTS = "model.safetensors"
DECODER = "decoder.safetensors"
"""The weights of a delta: tensors of the decoder alone, named as in a whole model without `decoder.`."""
CARD = "model-card.md"
CURVES = "curves.png"
LEARNT = "learnt.txt"
"""Perceptual hashes of the photos that a model learnt from."""
CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
REQUIRED = (WEIGHTS, CONFIG, PREPROCESSOR)
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))
"""Either of these sets of files makes a tokenizer."""
ALLOWED = frozenset(
    (
        *REQUIRED, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", CARD, CURVES, LEARNT, *QUANTISED,
    )
)  # fmt: skip
"""What a whole bundle may hold, beside `SAMPLES`."""
DELTA_ALLOWED = frozenset((DECODER, CARD, CURVES, LEARNT, *QUANTISED))
SAMPLES = re.compile(r"samples-[a-z0-9-]{1,80}\.png")
"""Pictures for the model card: one a prompt family."""
_PNG = b"\x89PNG\r\n\x1a\n"
MAX_MANIFEST_BYTES = 1 << 20


def check_files(folder: Path) -> Manifest:
    """The manifest of a bundle whose every file is there, allowed, and has its size and SHA-256.

    Raises BundleError: `bundle_manifest_invalid`, `bundle_file_missing`, `bundle_file_forbidden`,
    `bundle_checksum_mismatch` or `bundle_architecture_unsupported` (the configuration is no CLIPSeg). The
    base of a delta is not looked at: see `whole_folder`.
    """
    manifest = read_manifest(folder)
    _forbid_others(folder, {file.name for file in manifest.files})
    require_files((file.name for file in manifest.files), delta=manifest.delta_of is not None)
    for file in manifest.files:
        _check_file(folder / file.name, file)
    if manifest.delta_of is None:
        check_architecture(folder)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Raises BundleError `bundle_file_missing` or `bundle_manifest_invalid`."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise BundleError(Code.BUNDLE_FILE_MISSING, f"{folder.name} has no {MANIFEST_NAME}")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise BundleError(Code.BUNDLE_MANIFEST_INVALID, f"{MANIFEST_NAME} is over {MAX_MANIFEST_BYTES} bytes")
    return parse_manifest(path.read_bytes())


def parse_manifest(document: bytes) -> Manifest:
    """Raises BundleError `bundle_manifest_invalid` naming the first field at fault."""
    with refused_manifest():
        return Manifest.model_validate_json(document)


@contextmanager
def refused_manifest() -> Iterator[None]:
    """Raises BundleError `bundle_manifest_invalid` naming the first field at fault of what is validated."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise BundleError(Code.BUNDLE_MANIFEST_INVALID, f"{place}: {first['msg']}") from error


def write_manifest(folder: Path, facts: dict[str, Any]) -> Manifest:
    """Hash the files of `folder` and write its manifest, atomically; `facts` are all fields but `files`."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST_NAME)
    require_files(names, delta=facts.get("delta_of") is not None)
    _forbid_others(folder, names)
    files = tuple(describe(folder / name) for name in names)
    manifest = Manifest.model_validate({**facts, "files": files})
    temporary = folder / f".{MANIFEST_NAME}.new"
    document = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False)
    temporary.write_text(f"{document}\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST_NAME)
    return manifest


def describe(path: Path) -> BundleFile:
    """A file's name, size in bytes and SHA-256."""
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return BundleFile(name=path.name, size_bytes=path.stat().st_size, sha256=digest)


def require_files(names: Iterable[str], *, delta: bool = False) -> None:
    """Raises BundleError: `bundle_file_forbidden` for a name no bundle may hold, or `bundle_file_missing`.

    A delta holds its decoder and its card; all else is its base's.
    """
    present = set(names)
    allowed = DELTA_ALLOWED if delta else ALLOWED
    forbidden = sorted(name for name in present - allowed if not SAMPLES.fullmatch(name))
    if forbidden:
        raise BundleError(
            Code.BUNDLE_FILE_FORBIDDEN,
            f"{forbidden[0]} may not be in a bundle: only weights, text, int8 graphs and the card's pictures",
        )
    missing = [name for name in ((DECODER,) if delta else REQUIRED) if name not in present]
    if not missing and not delta and not any(present.issuperset(names) for names in TOKENIZERS):
        missing = ["tokenizer.json"]
    if missing:
        raise BundleError(Code.BUNDLE_FILE_MISSING, f"the bundle has no {missing[0]}")


def check_architecture(folder: Path) -> None:
    """Raises BundleError `bundle_architecture_unsupported` unless `config.json` is a CLIPSeg's."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (ValueError, RecursionError) as error:
        raise BundleError(Code.BUNDLE_ARCHITECTURE_UNSUPPORTED, f"{CONFIG} is not JSON") from error
    model_type = config.get("model_type") if isinstance(config, dict) else None
    if model_type != "clipseg":
        raise BundleError(
            Code.BUNDLE_ARCHITECTURE_UNSUPPORTED, f"model_type is {model_type!r}, only 'clipseg' is supported"
        )


def _forbid_others(folder: Path, allowed: Iterable[str]) -> None:
    known = {*allowed, MANIFEST_NAME}
    for path in sorted(folder.iterdir()):
        if path.name not in known or path.is_symlink() or not path.is_file():
            raise BundleError(
                Code.BUNDLE_FILE_FORBIDDEN, f"{path.name} may not be in a bundle: only files that it names"
            )


def _check_file(path: Path, expected: BundleFile) -> None:
    if not path.is_file():
        raise BundleError(Code.BUNDLE_FILE_MISSING, f"the bundle has no {expected.name}")
    if path.stat().st_size != expected.size_bytes or describe(path) != expected:
        raise BundleError(
            Code.BUNDLE_CHECKSUM_MISMATCH, f"{expected.name} is not the file that the manifest names"
        )
    if path.suffix == ".png":
        _require_png(path)


def _require_png(path: Path) -> None:
    """What is called a picture must be one: nothing that a viewer could take for a page or a program."""
    with path.open("rb") as data:
        if data.read(len(_PNG)) != _PNG:
            raise BundleError(Code.BUNDLE_FILE_FORBIDDEN, f"{path.name} is no PNG picture")
