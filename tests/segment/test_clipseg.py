import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, CLIPSegForImageSegmentation

from tests.segment.tiny import tiny_model, write_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError, PromptError
from wallscan.models import starter_bundle
from wallscan.segment.bundle import check_bundle
from wallscan.segment.clipseg import MAX_CACHED_PROMPTS
from wallscan.segment.engine import load_engine
from wallscan.segment.preprocess import InputSpec, preprocess

PROMPTS = ("crack", "drywall joint", "a cat on a très long wall")


def plain_transformers(folder, image, prompts):
    """The probabilities as everybody computes them: the image repeated per prompt, one forward call."""
    model = CLIPSegForImageSegmentation.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(list(prompts), padding=True, return_tensors="pt")
    pixels = torch.from_numpy(preprocess(image, InputSpec.read(folder)))[None]
    with torch.inference_mode():
        out = model(**tokens, pixel_values=pixels.repeat(len(prompts), 1, 1, 1))
    return out.logits.sigmoid().numpy()


@pytest.fixture(params=["tiny", "starter"])
def bundle(request, tiny_bundle):
    return tiny_bundle if request.param == "tiny" else starter_bundle()


def test_the_answers_are_those_of_plain_transformers(bundle, photo):
    ours = load_engine(bundle).probabilities(photo, PROMPTS)
    theirs = plain_transformers(bundle, photo, PROMPTS)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    level = np.median(theirs, axis=(1, 2), keepdims=True)
    mine, other = ours > level, theirs > level
    assert (mine & other).sum() >= 0.999 * (mine | other).sum()


def test_places_and_prompts_differ(tiny_bundle, photo):
    maps = load_engine(tiny_bundle).probabilities(photo, PROMPTS)
    assert maps.std(axis=(1, 2)).min() > 1e-4
    assert np.abs(maps[0] - maps[1]).max() > 1e-4


def test_the_same_question_gets_the_same_bytes_whatever_else_is_asked(bundle, photo):
    engine = load_engine(bundle)
    alone = engine.probabilities(photo, ["crack"])
    among = engine.probabilities(photo, ["window", "crack", "pipe"])
    assert alone[0].tobytes() == among[1].tobytes()
    assert load_engine(bundle).probabilities(photo, ["crack"]).tobytes() == alone.tobytes()


def test_layers_behind_the_last_extracted_one_are_never_run(tiny_bundle, photo):
    engine = check_bundle(tiny_bundle)
    ran = []
    for index, layer in enumerate(engine._model.clip.vision_model.encoder.layers):
        layer.register_forward_hook(lambda *_, index=index: ran.append(index))
    engine.probabilities(photo, PROMPTS)
    assert ran == [0, 1, 2, 3]


def test_a_prompt_is_embedded_once_and_the_cache_stays_bounded(tiny_bundle, photo):
    engine = check_bundle(tiny_bundle)
    embedded = []
    engine._model.clip.text_model.register_forward_hook(lambda *_: embedded.append(1))
    engine.probabilities(photo, ["crack"])
    engine.probabilities(photo, ["crack"])
    assert len(embedded) == 1
    engine.probabilities(photo, [f"thing {number}" for number in range(MAX_CACHED_PROMPTS + 3)])
    assert len(engine._texts) == MAX_CACHED_PROMPTS


def test_a_prompt_over_the_models_length_has_its_own_code(tiny_bundle, photo):
    with pytest.raises(PromptError) as caught:
        load_engine(tiny_bundle).probabilities(photo, ["wall " * 76])
    assert caught.value.code == Code.PROMPT_TOO_MANY_TOKENS
    load_engine(tiny_bundle).probabilities(photo, ["wall " * 75])


def test_an_answer_that_is_no_number_has_its_own_code(tmp_path, photo):
    model = tiny_model()
    with torch.no_grad():
        model.decoder.film_add.bias[0] = torch.nan
    with pytest.raises(InferenceError) as caught:
        load_engine(write_model(tmp_path / "nan", model)).probabilities(photo, ["crack"])
    assert caught.value.code == Code.INFERENCE_NOT_FINITE
