from trainer.gates import LOWEST_GATE, separate


def test_a_gate_parts_what_can_be_parted():
    gate = separate([0.8, 0.9, 0.95], [0.1, 0.4, 0.5])
    assert 0.5 < gate.presence < 0.8
    assert (gate.passed_with, gate.passed_without) == (1.0, 0.0)


def test_a_gate_never_falls_under_its_floor():
    assert separate([0.05, 0.9], [0.01]).presence >= LOWEST_GATE
