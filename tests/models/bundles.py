"""A tiny bundle for tests that never load it: right file names, a right manifest, four weights."""

import json
import struct
from pathlib import Path

from wallscan.models import Manifest, write_manifest

FACTS = {
    "name": "tests/tiny",
    "created_at": "2026-01-01T00:00:00Z",
    "licence": "none",
    "default_presence": 0.5,
    "families": [
        {"name": "crack", "phrases": ["crack", "wall crack"], "presence": 0.4},
        {"name": "drywall joint", "phrases": ["drywall joint"], "presence": 0.6},
    ],
}


def weights() -> bytes:
    """A safetensors file with one tensor of four float32 zeros."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


def write_model_folder(folder: Path) -> None:
    """What transformers' `save_pretrained` leaves behind."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights())
    (folder / "config.json").write_text(json.dumps({"model_type": "clipseg"}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": 32}))
    (folder / "tokenizer.json").write_text("{}")


def write_tiny_bundle(folder: Path) -> Manifest:
    """A whole bundle."""
    write_model_folder(folder)
    return write_manifest(folder, FACTS)
