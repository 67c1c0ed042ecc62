"""Attention that keeps its probabilities for the backward pass: faster than torch's in bf16 on CPUs.

torch's `scaled_dot_product_attention` computes them a second time, to save memory that a thousand tokens do
not need, in blocks that leave the processor's bf16 units idle. In float32 it is the faster one.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from transformers import CLIPSegForImageSegmentation
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.clipseg.modeling_clipseg import CLIPSegAttention

NAME = "wallscan_kept_probabilities"


def keep_probabilities(model: CLIPSegForImageSegmentation) -> None:
    """Let the vision tower and the decoder attend so in bf16 on CPUs.

    The text tower has masks, and few tokens.
    """
    for part in (model.clip.vision_model, model.decoder):
        for module in part.modules():
            if isinstance(module, CLIPSegAttention):
                module.config._attn_implementation = NAME  # noqa: SLF001 - transformers' own switch is for all


class _Attention(torch.autograd.Function):
    """softmax(q k') v, for q already scaled."""

    @staticmethod
    def forward(ctx: FunctionCtx, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        with torch.autocast(query.device.type, enabled=False):  # it would put the probabilities in float32
            shares = (query @ key.transpose(-1, -2)).softmax(-1)
            ctx.save_for_backward(query, key, value, shares)
            return shares @ value

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, shares = ctx.saved_tensors  # type: ignore[attr-defined]
        towards = torch._softmax_backward_data(  # noqa: SLF001 - what autograd calls for softmax
            gradient @ value.transpose(-1, -2), shares, -1, shares.dtype
        )
        return towards @ key, towards.transpose(-1, -2) @ query, shares.transpose(-1, -2) @ gradient


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float,
    **options: object,
) -> tuple[Tensor, None]:  # fmt: skip
    """As transformers calls it: (B, heads, tokens, head width) to (B, tokens, heads, head width)."""
    bf16_on_cpu = query.device.type == "cpu" and query.dtype == torch.bfloat16
    if not bf16_on_cpu or mask is not None or not torch.is_grad_enabled():
        fused, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **options)
        return fused, None
    attended: Tensor = _Attention.apply(query * scaling, key, value)  # type: ignore[no-untyped-call]
    return attended.transpose(1, 2), None


ALL_ATTENTION_FUNCTIONS.register(NAME, _attend)
