import pytest

from wallscan.segment import openvino_runtime
from wallscan.segment.openvino_runtime import fastest, product_s
from wallscan.segment.openvino_runtime import processor as named_processor


@pytest.fixture
def processor(monkeypatch):
    """Give a processor that has bf16 or not, and how long it takes for a product in each precision."""

    def made(has, **seconds):
        monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: has)
        monkeypatch.setattr(openvino_runtime, "product_s", lambda precision, *_: seconds[precision])

    return made


@pytest.mark.parametrize(
    ("has", "f32", "bf16", "taken"),
    [(True, 2.0, 1.0, "bf16"), (True, 1.0, 2.0, "f32"), (True, 1.0, 0.95, "f32"), (False, 2.0, 1.0, "f32")],
)
def test_bf16_is_taken_where_it_is_clearly_faster(processor, has, f32, bf16, taken):
    processor(has, f32=f32, bf16=bf16)
    assert fastest(frozenset({"bf16"}), 484, 768) == taken


@pytest.mark.parametrize(
    ("admitted", "seconds", "taken"),
    [
        ({"bf16", "int8"}, {"bf16": 2, "int8_bf16": 1}, "int8_bf16"),
        ({"bf16", "int8"}, {"bf16": 1, "int8_bf16": 1}, "bf16"),
        ({"bf16"}, {"bf16": 2, "int8_bf16": 1}, "bf16"),
        ({"int8"}, {"bf16": 1, "int8_bf16": 1}, "int8_bf16"),
        ({"bf16", "int8"}, {"bf16": 8, "int8": 1}, "int8"),
        ({"bf16", "int8"}, {"bf16": 8, "int8": 4}, "f32"),
        (set(), {"bf16": 1, "int8_bf16": 1}, "f32"),
    ],
)
def test_the_fastest_of_what_is_admitted_is_taken(processor, admitted, seconds, taken):
    processor(True, f32=4, **seconds)
    assert fastest(frozenset(admitted), 484, 768) == taken


@pytest.mark.parametrize("line", ["flags\t\t: fpu {}avx512f sse", "Features\t: fp {}sve asimd"])
def test_a_processor_without_its_matrix_unit_is_another(monkeypatch, tmp_path, line):
    def named(cpuinfo):
        monkeypatch.setattr(openvino_runtime, "_CPU_FACTS", tmp_path / cpuinfo)
        return named_processor()

    (tmp_path / "with").write_text(line.format("amx_bf16 bf16 "))
    (tmp_path / "without").write_text(line.format(""))
    (tmp_path / "newer-kernel").write_text(line.format("amx_bf16 bf16 ") + " user_shstk")
    assert named("with") == named("newer-kernel")
    assert len({named("with"), named("without"), named("no-linux")}) == 3


@pytest.mark.parametrize("precision", ["bf16", "int8", "int8_bf16"])
def test_every_precision_is_tried_on_a_product(precision):
    assert product_s(precision, 64, 64) > 0


def test_a_product_takes_time_and_a_larger_one_more():
    assert 0 < product_s("f32", 64, 64) < product_s("f32", 512, 512)
