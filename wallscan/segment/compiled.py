"""Compiled models on disk: made once a machine, checked byte for byte at each load, made anew when damaged.

OpenVINO's own cache is not used: it loads a damaged file without a word and then answers wrong masks.
"""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, ConversionError, UnavailableError
from wallscan.models.cache import locked, scratch
from wallscan.models.files import PREPROCESSOR, check_files
from wallscan.segment.preprocess import InputSpec
from wallscan.segment.tokens import PromptTokenizer

ENCODER, HEAD, TEXT = "encoder.blob", "head.blob", "text.blob"
TOKENIZER = "tokenizer.json"
FACTS = "facts.json"
REFUSED, UNWRITABLE = 3, 4
"""The exit codes of a conversion that blames the bundle, and of one that blames the disk."""

_FORMAT = 2
"""Raise it whenever a file's content changes: what older code has compiled is not taken then."""
_GRAPHS = (ENCODER, HEAD, TEXT)
_FILES = (*_GRAPHS, TOKENIZER, PREPROCESSOR)
_ENDED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Key:
    """All that a compiled model depends on. `processor` names it and what it can compute with."""

    digest: str
    runtime: str
    processor: str
    precision: str

    def folder(self, cache: Path) -> Path:
        """Where in the cache it lies."""
        machine = hashlib.sha256(f"{_FORMAT} {self.runtime} {self.processor}".encode()).hexdigest()[:12]
        return cache / f"compiled-{self.digest}-{machine}-{self.precision}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A checked compiled model, all that answering takes: its graphs mapped into memory as uint8, its
    tokenizer and its input.
    """

    blobs: dict[str, NDArray[np.uint8]]
    tokenizer: PromptTokenizer
    spec: InputSpec
    finite: bool
    """Whether all weights are numbers: OpenVINO's ReLU makes 0 of NaN, and nobody would know."""


def compiled(bundle: Path, key: Key, cache: Path) -> Compiled:
    """The compiled model of a bundle, from the cache or made for it.

    The bundle's own files are checked and read only where it is made: hashing them at every start would
    take longer than all else. Raises BundleError as `check_files` and `load_model` do or where the
    conversion dies, ConversionError `conversion_killed` where it was ended from outside, as for want of
    memory, and UnavailableError `storage_unavailable` where the cache cannot be written.
    """
    folder = key.folder(cache)
    found = read(folder)
    if found is not None:
        return found
    check_files(bundle)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")):
            made = read(folder) or _made(bundle, key, folder)
    except OSError as error:
        raise UnavailableError(
            Code.STORAGE_UNAVAILABLE, f"the compiled model cannot be kept in {cache}: {error}"
        ) from error
    return made


def read(folder: Path) -> Compiled | None:
    """The compiled model in a folder, or None where it is not there whole, byte for byte."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        # Mapped copy-on-write: processes of one machine share the pages, OpenVINO asks for writable memory.
        blobs: dict[str, NDArray[np.uint8]] = {
            name: np.memmap(folder / name, np.uint8, "c") for name in _FILES
        }
        if facts["sha256"] != {name: _sha256(blob) for name, blob in blobs.items()}:
            return None
        words = Tokenizer.from_buffer(blobs[TOKENIZER].tobytes())
        tokenizer = PromptTokenizer(words, facts["tokens"], facts["end_id"])
        graphs: dict[str, NDArray[np.uint8]] = {name: blobs[name] for name in _GRAPHS}
        return Compiled(graphs, tokenizer, InputSpec.read(folder), facts["finite"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def conclude(folder: Path, source: Path, tokenizer: PromptTokenizer, *, finite: bool) -> None:
    """Complete a folder of compiled graphs: what else answering takes of the bundle `source`, all hashes."""
    shutil.copyfile(source / PREPROCESSOR, folder / PREPROCESSOR)
    tokenizer.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    facts = {
        "sha256": {name: _sha256(np.fromfile(folder / name, np.uint8)) for name in _FILES},
        "tokens": tokenizer.length,
        "end_id": tokenizer.end_id,
        "finite": finite,
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _made(bundle: Path, key: Key, folder: Path) -> Compiled:
    with scratch(folder.parent, "compiling") as out:
        _convert(bundle, out, key.precision)
        shutil.rmtree(folder, ignore_errors=True)
        out.rename(folder)
    made = read(folder)
    if made is None:
        raise OSError(f"{folder} cannot be read back")
    return made


def _convert(bundle: Path, out: Path, precision: str) -> None:
    """In a process of its own, so that this one never imports torch. A time limit here ends it, too."""
    command = [sys.executable, "-m", "wallscan.segment.convert", str(bundle), str(out), precision]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == REFUSED:
        refusal = json.loads(done.stdout)
        raise BundleError(Code(refusal["code"]), refusal["detail"])
    last = done.stderr.strip().rpartition("\n")[2]
    if done.returncode == UNWRITABLE:
        raise OSError(last)
    if done.returncode in _ENDED_FROM_OUTSIDE:
        raise ConversionError(
            Code.CONVERSION_KILLED, "the model's conversion was killed, as for want of memory"
        )
    if done.returncode != 0:
        raise BundleError(
            Code.BUNDLE_UNLOADABLE, f"the model does not compile ({done.returncode}): {last}"[:500]
        )


def _sha256(data: NDArray[np.uint8]) -> str:
    return hashlib.sha256(data.data).hexdigest()
