"""What both runtimes promise, held against plain transformers."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPSegForImageSegmentation

from tests.segment.tiny import FACTS, tiny_model, write_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError, PromptError
from wallscan.domain.pipelines import FOUNDING
from wallscan.measure import measured
from wallscan.models import bundle_digest, read_manifest, starter_bundle, write_manifest
from wallscan.models.files import DECODER
from wallscan.segment.preprocess import InputSpec, preprocess
from wallscan.segment.segmenter import MAX_CACHED_PROMPTS

PROMPTS = ("crack", "drywall joint", "a cat on a très long wall")
SAMPLES = sorted(Path(__file__).parents[2].glob("samples/photos/*/*.jpg"))


def plain_transformers(folder, image, prompts):
    """The probabilities as everybody computes them: the image repeated per prompt, one forward call.

    In double precision. Of a prompt far from those trained on, noise puts transformers' own float32 off by
    3e-5 and another runtime's by as much to the other side: it is the exact answer that both are held to.
    """
    model = CLIPSegForImageSegmentation.from_pretrained(folder, dtype=torch.float64).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(list(prompts), padding=True, return_tensors="pt")
    pixels = torch.from_numpy(preprocess(image, InputSpec.read(folder)))[None].double()
    with torch.inference_mode():
        out = model(**tokens, pixel_values=pixels.repeat(len(prompts), 1, 1, 1))
    return out.logits.sigmoid().numpy()


def overlap(one, other):
    """IoU of two masks; 1 where both are empty."""
    return (one & other).sum() / (one | other).sum() if (one | other).any() else 1.0


def test_the_answers_are_those_of_plain_transformers(load, bundle, photo):
    ours = load(bundle).probabilities(photo, PROMPTS)
    theirs = plain_transformers(bundle, photo, PROMPTS)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    level = np.median(theirs, axis=(1, 2), keepdims=True)
    assert overlap(ours > level, theirs > level) >= 0.999


@pytest.mark.parametrize("path", SAMPLES[::4], ids=lambda path: path.stem)
def test_masks_of_the_starter_are_those_of_plain_transformers(load, path):
    image = np.asarray(Image.open(path).convert("RGB").reduce(2))
    engine = load(starter_bundle())
    pairs = zip(
        engine.probabilities(image, PROMPTS),
        plain_transformers(starter_bundle(), image, PROMPTS),
        PROMPTS,
        strict=True,
    )
    found = False
    for ours, theirs, prompt in pairs:
        gate = engine.manifest.gate_for(prompt)
        size = {"height_px": 480, "width_px": 640, "gate": gate, "postprocess": FOUNDING}
        mine, other = (measured(one, **size).mask > 0 for one in (ours, theirs))
        assert overlap(mine, other) >= 0.999
        found |= bool(other.any())
    assert found, "masks that are all empty agree whatever is computed"


def test_places_and_prompts_differ(load, tiny_bundle, photo):
    maps = load(tiny_bundle).probabilities(photo, PROMPTS)
    assert maps.std(axis=(1, 2)).min() > 1e-4
    assert np.abs(maps[0] - maps[1]).max() > 1e-4


def test_the_same_question_gets_the_same_bytes(load_in_each_precision, bundle, photo):
    load = load_in_each_precision
    engine = load(bundle)
    other = photo[::-1].copy()
    alone = engine.probabilities(photo, ["crack"]).tobytes()
    assert engine.probabilities(other, ["crack", "window"])[0].tobytes() != alone
    assert engine.probabilities(photo, ["window", "crack", "pipe"])[1].tobytes() == alone
    assert engine.probabilities(photo, ["crack"]).tobytes() == alone
    assert load(bundle).probabilities(photo, ["crack"]).tobytes() == alone


def test_an_answer_outlives_the_next_question(load, tiny_bundle, photo):
    engine = load(tiny_bundle)
    first = engine.probabilities(photo, PROMPTS)
    kept = first.copy()
    engine.probabilities(photo[::-1].copy(), PROMPTS[::-1])
    np.testing.assert_array_equal(first, kept)


def test_a_prompt_is_embedded_once_and_the_cache_stays_bounded(load, tiny_bundle, photo, monkeypatch):
    engine, embedded = load(tiny_bundle), list[int]()
    embed = engine._graphs.embed

    def counted(*ids):
        embedded.append(1)
        return embed(*ids)

    monkeypatch.setattr(engine._graphs, "embed", counted)
    engine.probabilities(photo, ["crack"])
    engine.probabilities(photo, ["crack"])
    assert len(embedded) == 1
    for first in range(0, MAX_CACHED_PROMPTS + 3, 16):
        engine.probabilities(photo, [f"thing {number}" for number in range(first, first + 16)])
    assert len(engine._texts) == MAX_CACHED_PROMPTS


def test_a_prompt_over_the_models_length_has_its_own_code(load, tiny_bundle, photo):
    engine = load(tiny_bundle)
    with pytest.raises(PromptError) as caught:
        engine.probabilities(photo, ["wall " * 76])
    assert caught.value.code == Code.PROMPT_TOO_MANY_TOKENS
    engine.probabilities(photo, ["wall " * 75])


def test_a_tokenizer_stored_with_truncation_and_padding_neither_cuts_nor_pads(
    load, tiny_bundle, tmp_path, photo
):
    stored = tmp_path / "stored"
    shutil.copytree(tiny_bundle, stored)
    words = Tokenizer.from_file(str(stored / "tokenizer.json"))
    words.enable_truncation(8)
    words.enable_padding(length=8, pad_id=0)
    words.save(str(stored / "tokenizer.json"))
    write_manifest(stored, FACTS)
    engine = load(stored)
    with pytest.raises(PromptError) as caught:
        engine.probabilities(photo, ["wall " * 76])
    assert caught.value.code == Code.PROMPT_TOO_MANY_TOKENS
    for prompt in ("crack", "a crack in a wall that is much longer than eight tokens"):
        wanted = load(tiny_bundle).probabilities(photo, [prompt])
        assert engine.probabilities(photo, [prompt]).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("place", ["decoder.film_add.bias", "clip.vision_model.pre_layrnorm.weight"])
def test_an_answer_that_is_no_number_has_its_own_code(load, tmp_path, photo, place):
    model = tiny_model()
    with torch.no_grad():
        model.get_parameter(place)[0] = torch.nan
    engine = load(write_model(tmp_path / "nan", model))
    with pytest.raises(InferenceError) as caught:
        engine.probabilities(photo, ["crack"])
    assert caught.value.code == Code.INFERENCE_NOT_FINITE


def test_a_decoder_alone_answers_with_the_encoder_of_its_base(load, tmp_path, photo):
    model = tiny_model()
    base = write_model(tmp_path / "base", model)
    with torch.no_grad():
        model.decoder.film_add.bias += 0.5
    whole = load(write_model(tmp_path / "whole", model)).probabilities(photo, ["crack"])
    (tmp_path / "delta").mkdir()
    save_file(model.decoder.state_dict(), tmp_path / "delta" / DECODER)
    known = read_manifest(base)
    completes = {"name": known.name, "digest": bundle_digest(known)}
    write_manifest(tmp_path / "delta", {**FACTS, "delta_of": completes})
    assert load(tmp_path / "delta").probabilities(photo, ["crack"]).tobytes() == whole.tobytes()
    assert load(base).probabilities(photo, ["crack"]).tobytes() != whole.tobytes()


def test_a_photo_of_one_row_is_answered(load, tiny_bundle):
    photo = np.full((1, 5000, 3), 127, np.uint8)
    assert load(tiny_bundle).probabilities(photo, ["crack"]).shape == (1, 48, 48)


def test_the_runtime_says_what_computed(load, tiny_bundle):
    runtime = load(tiny_bundle).runtime
    assert runtime.engine in {"torch", "openvino"}
    assert runtime.precision == "f32"
    assert str(runtime) == f"{runtime.engine} {runtime.version} on {runtime.device} in f32"


_ASK = """
import sys
from pathlib import Path
import numpy as np
from wallscan.segment.engine import EngineSettings, load_engine
engine = load_engine(Path(sys.argv[1]), EngineSettings(Path(sys.argv[2]), "openvino"))
answer = engine.probabilities(np.full((40, 50, 3), 90, np.uint8), ["crack"])
heavy = [name for name in ("torch", "transformers", "openvino_telemetry") if sys.modules.get(name)]
print(heavy, answer.tobytes().hex()[:64])
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_process_of_openvino_imports_neither_torch_nor_transformers(tiny_bundle, tmp_path):
    """The real conversion too: it happens in a process of its own."""
    command = [sys.executable, "-c", _ASK, str(tiny_bundle), str(tmp_path / "cache")]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert first.stdout.startswith("[] ")
    assert first.stdout == second.stdout
