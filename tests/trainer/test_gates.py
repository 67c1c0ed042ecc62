import numpy as np
import pytest

from trainer.gates import LOWEST_GATE, LOWEST_UNKNOWN_GATE, separate, silence


def test_a_gate_parts_what_can_be_parted():
    gate = separate([0.8, 0.9, 0.95], [0.1, 0.4, 0.5])
    assert 0.5 < gate.presence <= 0.8
    assert (gate.passed_with, gate.passed_without) == (1.0, 0.0)


def test_of_gates_that_chance_tells_apart_the_middle_is_taken():
    cracked, clean = [0.9] * 99 + [0.4], [0.2] * 90 + [0.5] * 9 + [0.6]
    gate = separate(cracked, clean)
    assert gate.presence == pytest.approx(0.7, abs=0.011), "from 0.5 to 0.9 one of two hundred decides"
    assert separate([0.9] * 90 + [0.4] * 10, clean).presence <= 0.4, "ten of a hundred cracks are no chance"


def test_a_gate_never_falls_under_its_floor():
    assert separate([0.05, 0.9], [0.01]).presence >= LOWEST_GATE


@pytest.mark.parametrize("loud", [0, 1, 3])
def test_a_gate_for_what_no_map_shows_says_what_passed_it_and_no_more(loud):
    scores = [*np.linspace(0.0, 0.05, 100 - loud), *[0.8] * loud]
    gate = silence(scores)
    assert gate.presence >= LOWEST_UNKNOWN_GATE
    assert gate.passed_without == np.mean(np.array(scores) >= gate.presence) == loud / 100
    assert gate.passed_with is None
