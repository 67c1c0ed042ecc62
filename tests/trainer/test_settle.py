import pytest
import torch

from trainer import settle
from trainer.settle import bf16_pays

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("able", "seconds", "pays"),
    [
        ({"avx512_bf16": True}, {torch.float32: 2.0, torch.bfloat16: 1.0}, True),
        ({"avx512_bf16": True}, {torch.float32: 1.0, torch.bfloat16: 2.0}, False),
        ({"amx_bf16": True}, {torch.float32: 1.0, torch.bfloat16: 0.95}, False),
        ({}, {torch.float32: 2.0, torch.bfloat16: 1.0}, False),
    ],
)
def test_bf16_is_used_where_it_is_clearly_faster(monkeypatch, able, seconds, pays):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(settle, "_product_s", seconds.__getitem__)
    bf16_pays.cache_clear()
    assert bf16_pays(CPU) is pays
    bf16_pays.cache_clear()


def test_a_product_takes_time():
    assert settle._product_s(torch.float32) > 0
