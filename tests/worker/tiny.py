"""A bundle with a tiny, random CLIPSeg: real inference in milliseconds, of no use for walls."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from wallscan.models.files import write_manifest
from wallscan.models.manifest import MANIFEST_NAME, Manifest, bundle_digest
from wallscan.storage import ObjectStore, keys

SIDE_PX = 32
_SPECIAL = ("<|startoftext|>", "<|endoftext|>")


@dataclass(frozen=True)
class Bundle:
    folder: Path
    manifest: Manifest

    @property
    def digest(self) -> str:
        return bundle_digest(self.manifest)

    def upload(self, store: ObjectStore) -> None:
        for path in self.folder.iterdir():
            if path.name != MANIFEST_NAME:
                store.put_file(keys.model_file(self.digest, path.name), path, "application/octet-stream")


def make_tiny_bundle(folder: Path, seed: int = 0, presence: float = 0.0) -> Manifest:
    """Write the bundle into a new folder. The gate is open, so that masks are not all empty."""
    folder.mkdir(parents=True)
    words = _write_tokenizer(folder)
    _write_model(folder, seed, words)
    preprocessor = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": SIDE_PX, "width": SIDE_PX},
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.25, 0.25, 0.25],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    facts = {
        "name": f"tiny-{seed}",
        "created_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "licence": "Apache-2.0",
        "default_presence": presence,
    }
    return write_manifest(folder, facts)


def _write_tokenizer(folder: Path) -> int:
    """CLIP's byte-pair tokenizer without a single merge: every letter is a token."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *_SPECIAL]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    names = dict(
        zip(("bos_token", "eos_token", "pad_token", "unk_token"), (*_SPECIAL, *_SPECIAL[1:] * 2), strict=True)
    )
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return len(words)


def _write_model(folder: Path, seed: int, words: int) -> None:
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    torch.manual_seed(seed)
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
    config = CLIPSegConfig(
        vision_config=tower | {"image_size": SIDE_PX, "patch_size": 8},
        text_config=tower
        | {
            "vocab_size": words,
            "bos_token_id": words - 2,
            "eos_token_id": words - 1,
            "pad_token_id": words - 1,
        },
        projection_dim=16,
        reduce_dim=16,
        extract_layers=[0, 1],
        conditional_layer=0,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    model = CLIPSegForImageSegmentation(config)
    for module in (model.decoder.film_mul, model.decoder.film_add, *model.decoder.reduces):
        module.reset_parameters()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
