from trainer.card import model_card
from trainer.evaluation.judge import UNKNOWN_PROMPT
from trainer.gates import separate, silence
from trainer.origin import Facts
from trainer.recipe import shipped_recipe


def test_a_share_that_was_not_measured_is_none():
    gates = {"crack": separate([0.9, 0.9], [0.1, 0.2]), UNKNOWN_PROMPT: silence([0.0, 0.05])}
    card = model_card("a/b", shipped_recipe("starter"), Facts(None, "MIT", (), None), (), {}, gates)
    assert f"| {UNKNOWN_PROMPT} | 0.10 | - | 0.0 % |" in card.splitlines()
    assert "| 100.0 % | 0.0 % |" in card
