import pytest

from wallscan.segment import openvino_runtime
from wallscan.segment.openvino_runtime import bf16_pays, product_s


@pytest.fixture
def processor(monkeypatch):
    """Give a processor that has bf16 or not, and how long it takes for a product in each precision."""

    def made(has, **seconds):
        monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: has)
        monkeypatch.setattr(openvino_runtime, "product_s", lambda precision, _: seconds[precision])
        bf16_pays.cache_clear()

    yield made
    bf16_pays.cache_clear()


@pytest.mark.parametrize(
    ("has", "f32", "bf16", "pays"),
    [(True, 2.0, 1.0, True), (True, 1.0, 2.0, False), (True, 1.0, 0.95, False), (False, 2.0, 1.0, False)],
)
def test_bf16_is_taken_where_it_is_clearly_faster(processor, has, f32, bf16, pays):
    processor(has, f32=f32, bf16=bf16)
    assert bf16_pays() is pays


def test_a_product_takes_time_and_a_larger_one_more():
    assert 0 < product_s("f32", 64) < product_s("f32", 1024)
