"""torch as the reference: nothing rounded, nothing by chance; tiles in batches where a device gains by it."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from wallscan.domain.looks import Detail, Look
from wallscan.segment.bundle import check_bundle, load_model
from wallscan.segment.tiles import look_at
from wallscan.segment.torch_graphs import ACCELERATED_BATCH, TorchGraphs

PROMPTS = ("crack", "drywall joint")
LOOKS = [
    Look(Detail.TILES),
    Look(Detail.TILES, flip=True),
    Look(Detail.ADAPTIVE),
    Look(Detail.WHOLE, flip=True),
]


@pytest.fixture
def cracked():
    """(300, 400, 3): noise with fine dark lines, for which adaptive looks into many windows."""
    image = np.random.default_rng(2).integers(150, 200, (300, 400, 3), dtype=np.uint8)
    for x in range(20, 400, 60):
        cv2.line(image, (x, 5), (x + 15, 290), (20, 20, 20), 2)
    return image


@pytest.fixture
def batched(tiny_bundle):
    """An engine made to take four images at once, and what its encoder was given."""
    engine: Any = check_bundle(tiny_bundle)
    given = list[int]()
    engine._graphs.batch = 4
    engine._graphs._encoder.register_forward_hook(lambda _, pixels, __: given.append(len(pixels[0])))
    return engine, given


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.detail} {'flipped' * look.flip}")
def test_batches_answer_as_one_by_one(tiny_bundle, batched, cracked, look):
    engine, given = batched
    alone = look_at(check_bundle(tiny_bundle), cracked, PROMPTS, look)
    together = look_at(engine, cracked, PROMPTS, look)
    assert together.view_cells == alone.view_cells
    np.testing.assert_allclose(together.maps, alone.maps, rtol=0, atol=1e-5)
    assert alone.maps.std(axis=(1, 2)).min() > 1e-4
    if look.detail is Detail.ADAPTIVE:  # who shares a batch would hang on what else is asked
        assert together.maps.tobytes() == alone.maps.tobytes()
        assert set(given) == {1}
    elif look.detail is not Detail.WHOLE:
        assert max(given) == 4
        assert set(given[1 + look.flip : -1 - look.flip]) == {4}


def test_a_batch_asks_no_more_of_the_encoder_than_one_by_one(batched, cracked):
    engine, given = batched
    look_at(engine, cracked, PROMPTS, LOOKS[0])
    in_batches = sum(given)
    given.clear()
    engine._graphs.batch = 1
    look_at(engine, cracked, PROMPTS, LOOKS[0])
    assert (sum(given), set(given)) == (in_batches, {1})


def test_each_image_of_a_batch_gets_its_own_answer(batched, photo):
    engine, _ = batched
    images = [photo, photo[::-1].copy(), photo[:, ::-1].copy()]
    together = engine.probabilities_of_each(images, PROMPTS)
    assert together.shape == (3, 2, 48, 48)
    for image, maps in zip(images, together, strict=True):
        np.testing.assert_allclose(maps, engine.probabilities(image, PROMPTS), rtol=0, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


@pytest.mark.parametrize(("device", "batch"), [("cpu", 1), ("meta", ACCELERATED_BATCH)])
def test_only_a_cpu_sees_tiles_one_by_one(tiny_bundle, device, batch):
    """`meta` stands for an accelerator: a device that is no CPU and is everywhere."""
    assert TorchGraphs(load_model(tiny_bundle), 48, device).batch == batch


@pytest.fixture
def careless():
    """The process's settings as careless as they can be; put back afterwards."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = True, False, True, True
    yield
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = before


def settings():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    return cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32


def test_nothing_is_rounded_to_tf32_and_no_algorithm_is_picked_by_chance(careless, tiny_bundle):
    graphs, seen = TorchGraphs(load_model(tiny_bundle), 48), []
    for part in (graphs._encoder, graphs._head, graphs._tower):
        part.register_forward_hook(lambda *_: seen.append(settings()))
    text = graphs.embed(np.ones((1, 77), np.int64), np.array([5]))
    graphs.logits(np.zeros((1, 3, 48, 48), np.float32), [text])
    assert seen == [(False, True, False, False)] * 3
    assert settings() == (True, False, True, True)  # a training in the same process has its own


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: what it computes is not tested")
def test_cuda_computes_in_float32_and_the_same_bytes_each_time(careless, tiny_bundle, cracked):
    model = load_model(tiny_bundle)
    pixels = np.random.default_rng(1).normal(size=(5, 3, 48, 48)).astype(np.float32)
    texts = [np.random.default_rng(seed).normal(size=(1, 16)).astype(np.float32) for seed in range(2)]
    wanted = TorchGraphs(model, 48).logits(pixels, texts)
    graphs = TorchGraphs(model, 48, "cuda")
    answers = [graphs.logits(pixels, texts) for _ in range(3)]
    np.testing.assert_allclose(answers[0], wanted, rtol=1e-5, atol=1e-5)
    assert len({answer.tobytes() for answer in answers}) == 1
