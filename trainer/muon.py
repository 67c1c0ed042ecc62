"""Muon: steps along the orthogonalised momentum, for matrices and convolutions."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: they lift small singular values fastest, to a band round 1 (Jordan, 2024)."""

_ITERATIONS = 5
_TINY = 1e-7


class Muon(Optimizer):
    """Muon with Nesterov momentum (Jordan, 2024; https://kellerjordan.github.io/posts/muon/).

    What `torch.optim.Muon` computes with `adjust_lr_fn="match_rms_adamw"` (Liu et al., 2025,
    arXiv:2502.16982), but all matrices of a shape at once, and orthogonalised in `dtype`: bfloat16, which
    torch's always casts to, takes half of float32's time on processors that have it, and fifty times as long
    on others. A convolution's kernel counts as a matrix with a row for each output.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of every matrix that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            by_shape = defaultdict[torch.Size, list[nn.Parameter]](list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for parameters in by_shape.values():
                self._step_alike(parameters, group["lr"], group["weight_decay"], group["momentum"])
        return loss

    def _step_alike(
        self, parameters: list[nn.Parameter], rate: float, weight_decay: float, momentum: float
    ) -> None:
        ahead = [
            self._ahead(each, each.grad, momentum).flatten(1) for each in parameters if each.grad is not None
        ]
        # An orthogonal matrix has a root mean square of 1 / sqrt(longer side); AdamW's steps have about 0.2.
        length = rate * 0.2 * float(max(ahead[0].shape)) ** 0.5
        for parameter, direction in zip(
            parameters, orthogonalised(torch.stack(ahead).to(self._dtype)), strict=True
        ):
            parameter.mul_(1 - rate * weight_decay).add_(direction.view_as(parameter), alpha=-length)

    def _ahead(self, parameter: nn.Parameter, gradient: Tensor, momentum: float) -> Tensor:
        """The gradient, moved towards the momentum that it was just added to."""
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(gradient, 1 - momentum)
        return gradient.lerp(buffer, momentum)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Each matrix with its singular values brought near 1; (n, rows, columns), of any float dtype.

    Five Newton-Schulz steps: those above some 0.002 of the matrix's norm come out between about 0.7 and 1.2,
    smaller ones below.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    result: Tensor = matrices.mT if tall else matrices
    # Frobenius: at least the largest singular value, which must not be above 1.
    result = result / torch.linalg.matrix_norm(result, keepdim=True).clamp(min=_TINY)
    linear, cubic, quintic = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = result @ result.mT
        result = linear * result + (cubic * gram + quintic * gram @ gram) @ result
    return result.mT if tall else result
