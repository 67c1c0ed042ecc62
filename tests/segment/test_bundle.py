import json
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.segment.tiny import FACTS, tiny_model, write_model, write_tiny
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models import from_model_folder, write_manifest
from wallscan.segment.bundle import check_bundle, load_model


@pytest.fixture
def bundle(tmp_path):
    return write_tiny(tmp_path / "bundle")


def edit_config(folder, edit):
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


def drop_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("decoder.film_mul.weight")
    save_file(tensors, folder / "model.safetensors")


def reshape_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["decoder.film_mul.weight"] = torch.zeros(2, 2)
    save_file(tensors, folder / "model.safetensors")


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def lie_about_the_header(folder):
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])


def no_weights_at_all(folder):
    (folder / "model.safetensors").write_bytes(b"")


def vast_layers(folder):
    edit_config(folder, lambda config: config["vision_config"].update(num_hidden_layers=10**9))


def vast_width(folder):
    edit_config(folder, lambda config: config["text_config"].update(intermediate_size=10**9))


def layers_that_are_not_there(folder):
    edit_config(folder, lambda config: config.update(extract_layers=[3, 6, 9]))


def other_patches(folder):
    edit_config(folder, lambda config: config["vision_config"].update(patch_size=8))


def words_for_numbers(folder):
    edit_config(folder, lambda config: config["vision_config"].update(hidden_size="many"))


def broken_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    "harm",
    [
        drop_a_tensor, reshape_a_tensor, truncate, lie_about_the_header, no_weights_at_all, vast_layers,
        vast_width, layers_that_are_not_there, other_patches, words_for_numbers, broken_tokenizer,
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused_even_with_right_hashes(bundle, harm):
    harm(bundle)
    write_manifest(bundle, FACTS)
    with pytest.raises(BundleError) as caught:
        check_bundle(bundle)
    assert caught.value.code == Code.BUNDLE_UNLOADABLE


def test_wrong_hashes_are_found_before_anything_is_loaded(bundle):
    truncate(bundle)
    with pytest.raises(BundleError) as caught:
        check_bundle(bundle)
    assert caught.value.code == Code.BUNDLE_CHECKSUM_MISMATCH


def test_half_precision_weights_run_in_single_precision(tmp_path, photo):
    engine = check_bundle(write_model(tmp_path / "half", tiny_model().half()))
    assert {parameter.dtype for parameter in load_model(tmp_path / "half").parameters()} == {torch.float32}
    full = check_bundle(write_tiny(tmp_path / "full")).probabilities(photo, ["crack"])
    assert abs(engine.probabilities(photo, ["crack"]) - full).max() < 0.01


def test_a_plain_transformers_folder_loads_once_it_is_packed(bundle, tmp_path, photo):
    (bundle / "manifest.json").unlink()
    from_model_folder(bundle, tmp_path / "packed", name="tests/packed")
    assert check_bundle(tmp_path / "packed").probabilities(photo, ["crack"]).shape == (1, 48, 48)
