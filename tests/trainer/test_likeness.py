import pytest
import torch

from tests.trainer.test_teacher import taught_recipe
from tests.trainer.test_train import equal, run, weights
from trainer.likeness import Likeness, at_tokens
from trainer.network import open_network
from trainer.unet import UNet

PATCH, WIDTH, GRID = 8, 32, 4


def likeness(weight=0.5, layers=2):
    teacher = taught_recipe(feature_weight=weight).teacher
    assert teacher is not None
    return Likeness(teacher, layers, WIDTH, PATCH)


def seen(side=PATCH * GRID):
    torch.manual_seed(2)
    with torch.no_grad():
        return UNet(2, (8, 16)).with_features(torch.randn(3, 3, side, side))


def states(grid=GRID, layers=2):
    torch.manual_seed(3)
    return [torch.randn(3, 1 + grid * grid, WIDTH) for _ in range(layers)]


def test_features_come_from_every_block_and_change_no_map():
    logits, features = seen()
    assert [tuple(each.shape) for each in features] == [(3, 8, 16, 16), (3, 16, 8, 8), (3, 8, 16, 16)]
    torch.manual_seed(2)
    with torch.no_grad():
        assert torch.equal(UNet(2, (8, 16))(torch.randn(3, 3, 32, 32)), logits)


def test_a_model_that_says_nothing_of_them_is_one_deviation_off():
    compared = likeness(weight=0.5)
    with torch.no_grad():
        for parameter in compared.parameters():
            parameter.zero_()
    assert float(compared(states(), seen()[1]).detach()) == pytest.approx(0.5, rel=0.02)


def test_each_token_is_held_to_the_features_at_its_own_place():
    numbers = torch.arange(2 * 8 * 8, dtype=torch.float32).view(1, 2, 8, 8)
    tokens = at_tokens(numbers, grid=4, places=2)[0]
    spread, middle = torch.std_mean(numbers, (0, 2, 3))
    for token in range(16):
        row, column = (2 * part for part in divmod(token, 4))
        there = numbers[0, :, row : row + 2, column : column + 2].flatten(1)
        wanted = (there - middle[:, None]) / spread[:, None]
        assert torch.allclose(tokens[token], wanted.flatten(), atol=1e-3)


def test_a_class_token_has_no_place():
    one = states(layers=1)[0].requires_grad_()
    likeness(layers=1)([one], seen()[1]).backward()
    assert torch.equal(one.grad[:, 0], torch.zeros(3, WIDTH))
    assert bool((one.grad[:, 1:] != 0).any())


@pytest.mark.parametrize("side", [40, 56])
def test_frames_of_any_size_can_be_compared(side):
    assert torch.isfinite(likeness()(states(side // PATCH), seen(side)[1]))


def test_features_of_a_level_channel_are_no_reason_to_diverge():
    features = [torch.full_like(each, 7.0) for each in seen()[1]]
    assert torch.isfinite(likeness()(states(), features))


def test_layers_come_to_resemble_the_teachers():
    torch.manual_seed(4)
    compared = likeness(weight=1.0)
    inputs, (_, features) = [each.requires_grad_() for each in states()], seen()
    optimizer = torch.optim.AdamW([*compared.parameters(), *inputs], lr=0.05)
    first = float(compared(inputs, features).detach())
    for _ in range(40):
        optimizer.zero_grad()
        compared(inputs, features).backward()
        optimizer.step()
    assert float(compared(inputs, features).detach()) < 0.3 * first


def test_what_the_teacher_sees_changes_what_the_model_learns(tmp_path, photos):
    maps, _, _ = run(taught_recipe(), photos, None, tmp_path / "maps")
    both, _, _ = run(taught_recipe(feature_weight=1.0), photos, None, tmp_path / "both")
    assert maps.network.likeness is None
    learnt = {name: value for name, value in weights(both).items() if "likeness" not in name}
    assert not equal(weights(maps), learnt)
    fresh = open_network(taught_recipe(feature_weight=1.0), None).likeness
    assert fresh is not None
    assert both.network.likeness is not None
    assert not equal(fresh.state_dict(), both.network.likeness.state_dict())
