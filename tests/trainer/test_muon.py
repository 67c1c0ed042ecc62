import pytest
import torch
from torch import nn
from torch.optim import Muon as TorchMuon

from trainer.muon import Muon, orthogonalised


def matrices(*shapes: tuple[int, int]) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize("shape", [(24, 24), (16, 64), (64, 16)])
def test_directions_are_nearly_orthogonal_and_keep_their_singular_vectors(shape):
    generator = torch.Generator().manual_seed(1)
    given = torch.randn((3, *shape), generator=generator)
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    inside = left.mT @ orthogonalised(given) @ right.mT
    singular = inside.diagonal(dim1=-2, dim2=-1)
    assert singular.min() > 0.5
    assert singular.max() < 1.3
    assert (inside - torch.diag_embed(singular)).abs().max() < 1e-4


def test_a_gradient_of_zeros_moves_nothing():
    assert not orthogonalised(torch.zeros(2, 4, 6)).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_goes_where_torch_goes_within_what_bfloat16_loses(dtype):
    shapes = ((24, 24), (24, 24), (16, 48), (48, 16))
    ours, theirs = matrices(*shapes), matrices(*shapes)
    one = Muon(ours, lr=0.02, weight_decay=0.1, dtype=dtype)
    other = TorchMuon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    before = [parameter.detach().clone() for parameter in ours]
    generator = torch.Generator().manual_seed(2)
    for _ in range(6):
        for mine, yours in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=generator)
            yours.grad = mine.grad.clone()
        one.step()
        other.step()
    for start, mine, yours in zip(before, ours, theirs, strict=True):
        way, their_way = mine - start, yours - start
        assert (way - their_way).norm() < 0.02 * their_way.norm()


def test_what_has_no_gradient_stays():
    still, moved = matrices((4, 4), (4, 4))
    before = still.detach().clone()
    moved.grad = torch.ones_like(moved)
    Muon([still, moved], lr=0.1, weight_decay=0.1).step()
    assert torch.equal(still, before)


def test_a_convolutions_kernel_goes_as_the_matrix_of_its_outputs():
    generator = torch.Generator().manual_seed(4)
    weights, gradient = (torch.randn(8, 3, 2, 2, generator=generator) for _ in range(2))
    for layout in (torch.contiguous_format, torch.channels_last):
        kernel = nn.Parameter(weights.clone(memory_format=layout))
        matrix = nn.Parameter(weights.flatten(1).clone())
        kernel.grad, matrix.grad = gradient.clone(memory_format=layout), gradient.flatten(1).clone()
        for one in (kernel, matrix):
            Muon([one], lr=0.1, weight_decay=0.1).step()
        assert torch.equal(kernel.flatten(1), matrix)
