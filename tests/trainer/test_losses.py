import torch

from trainer.losses import segmentation_loss


def loss_and_gradient(logits, truth, dice=1.0, empty=0.5, peak=0.0):
    logits = logits.clone().requires_grad_(True)
    loss = segmentation_loss(logits, truth, dice, empty, peak)
    loss.backward()
    return loss.item(), logits.grad


def square():
    truth = torch.zeros(1, 8, 8)
    truth[:, 2:5, 2:5] = 1
    return truth


def test_a_perfect_answer_costs_nothing_and_the_opposite_much():
    sure = (square() * 2 - 1) * 20
    assert loss_and_gradient(sure, square())[0] < 1e-6
    assert loss_and_gradient(-sure, square())[0] > 10


def test_gradients_push_up_inside_and_down_outside():
    _, gradient = loss_and_gradient(torch.zeros(1, 8, 8), square())
    assert (gradient[square() == 1] < 0).all()
    assert (gradient[square() == 0] > 0).all()


def test_an_empty_truth_still_pushes_down_by_its_weight():
    truth = torch.zeros(1, 8, 8)
    full, gradient = loss_and_gradient(torch.zeros(1, 8, 8), truth, empty=1.0)
    half, _ = loss_and_gradient(torch.zeros(1, 8, 8), truth, empty=0.5)
    assert (gradient > 0).all()
    assert half == full / 2


def test_dice_is_that_of_the_formula():
    bce_only, _ = loss_and_gradient(torch.zeros(1, 8, 8), square(), dice=0.0)
    both, _ = loss_and_gradient(torch.zeros(1, 8, 8), square())
    expected = 1 - (2 * 9 * 0.5 + 1) / (64 * 0.5 + 9 + 1)
    assert abs(both - bce_only - expected) < 1e-6


def test_a_false_find_costs_on_an_empty_map_and_its_place_alone_is_pushed():
    truth = torch.zeros(1, 20, 20)
    quiet = torch.full((1, 20, 20), -9.0)
    loud = quiet.clone()
    loud[0, 3, 4] = 4.0
    with_peaks, gradient = loss_and_gradient(loud, truth, peak=0.5)
    without, plain = loss_and_gradient(loud, truth)
    assert with_peaks - without > 0.4
    assert gradient[0, 3, 4] > 50 * plain[0, 3, 4]
    assert (
        loss_and_gradient(loud, square_in(truth), peak=0.5)[0] == loss_and_gradient(loud, square_in(truth))[0]
    )


def square_in(truth):
    filled = truth.clone()
    filled[0, 2:5, 2:5] = 1
    return filled
