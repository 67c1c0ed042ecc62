import pytest
import torch
from torch import nn

from tests.trainer.small import small_recipe
from trainer.model import build
from trainer.patches import Patches, draw_by_patches

LAYERS = (nn.ConvTranspose2d(8, 3, 4, 4), nn.ConvTranspose2d(8, 1, 5, 5, bias=False))


@pytest.mark.parametrize(
    "layer", [nn.ConvTranspose2d(8, 3, 4, 4), nn.ConvTranspose2d(8, 1, 5, 5, bias=False)]
)
def test_it_draws_and_learns_as_torchs_own_layer(layer):
    state = torch.randn(2, 8, 3, 6, generator=torch.Generator().manual_seed(1), requires_grad=True)
    ours, theirs = Patches(layer)(state), layer(state)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(theirs)
    learns = (state, *layer.parameters())
    torch.testing.assert_close(
        torch.autograd.grad((ours * weights).sum(), learns),
        torch.autograd.grad((theirs * weights).sum(), learns),
    )


@pytest.mark.parametrize("convolutional_head", [False, True])
def test_a_decoder_draws_so_and_its_weights_keep_their_names(convolutional_head):
    recipe = small_recipe(patch_size=16, convolutional_head=convolutional_head)
    plain, ours = build(recipe), build(recipe)
    draw_by_patches(ours)
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in ours.modules())
    assert list(ours.state_dict()) == list(plain.state_dict())
    ours.load_state_dict(plain.state_dict())


@pytest.mark.parametrize("changes", [{"stride": 2}, {"stride": 4, "padding": 1}])
def test_patches_that_overlap_or_are_cut_stay_torchs(changes):
    model = build(small_recipe())
    model.decoder.transposed_convolution = nn.ConvTranspose2d(64, 1, 4, **changes)
    draw_by_patches(model)
    assert isinstance(model.decoder.transposed_convolution, nn.ConvTranspose2d)
