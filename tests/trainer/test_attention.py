import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tests.trainer.small import small_recipe
from trainer import attention
from trainer.network import open_network


@pytest.fixture
def factors():
    """Queries, keys and values (2, heads 3, tokens 50, 8) with gradients."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, 3, 50, 8, generator=generator).requires_grad_() for _ in range(3)]


def gradients(attended, factors):
    weights = torch.randn(attended.shape, generator=torch.Generator().manual_seed(2))
    return torch.autograd.grad((attended.float() * weights).sum(), factors)


def test_it_attends_and_learns_as_torch_does(factors):
    query, key, value = factors
    ours = attention._Attention.apply(query * 8**-0.5, key, value)
    theirs = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(ours, factors), gradients(theirs, factors))


def test_in_bf16_it_is_within_the_rounding_of_bf16(factors):
    query, key, value = factors
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = [factor.bfloat16() for factor in factors]
        ours = attention._Attention.apply(half[0] * 8**-0.5, *half[1:])
    assert ours.dtype == torch.bfloat16
    theirs = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(ours.float(), theirs, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(gradients(ours, factors), gradients(theirs, factors), atol=4e-2, rtol=4e-2)


@pytest.mark.parametrize(("precision", "calls"), [(torch.bfloat16, True), (torch.float32, False)])
def test_a_network_uses_it_in_bf16_alone(base, monkeypatch, precision, calls):
    network = open_network(small_recipe(kind="full"), base)
    kept = []
    apply = attention._Attention.apply

    def counted(*given):
        kept.append(given)
        return apply(*given)

    monkeypatch.setattr(attention._Attention, "apply", counted)
    images = torch.zeros(1, network.spec.side, network.spec.side, 3, dtype=torch.uint8)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
        network(images, (("crack",),)).sum().backward()
    assert bool(kept) is calls
    assert network.clipseg.clip.vision_model.encoder.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0
