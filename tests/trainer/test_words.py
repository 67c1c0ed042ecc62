import pytest
import torch

from tests.trainer.small import Notes, small_recipe
from tests.trainer.test_train import equal, run, weights
from trainer.checkpoint import LAST
from trainer.model import embed
from trainer.network import open_network
from trainer.phrases import FAMILIES
from trainer.watch import Unwatched
from trainer.words import anchors, learn_words

WORDS = 6
UNSEEN = {
    "crack": ("where is the crack?", "a long crack near the window", "Cracks in the ceiling"),
    "drywall joint": ("all drywall joints here", "the drywall seam behind the door"),
    "": ("a photo of a cat", "segment the sofa", "broken glass", "find the elephants", "the quick brown fox"),
}


class StopsAt(Notes):
    """Cancels once so many steps are done."""

    def __init__(self, step):
        super().__init__()
        self._step = step

    def cancelled(self):
        return len(self.losses) >= self._step


def places(network, recipe, prompts):
    """The number of the family whose place each prompt's embedding is nearest to, the last for none."""
    with torch.no_grad():
        embeddings = embed(network.clipseg, network.tokenizer, prompts)
    corners = anchors(len(FAMILIES) + 1, network.clipseg.config.projection_dim, recipe.seed)
    return torch.cdist(embeddings, corners).argmin(dim=1).tolist()


@pytest.fixture(scope="module")
def taught():
    recipe = small_recipe(word_steps=250)
    network = open_network(recipe, None)
    tokens = network.clipseg.clip.text_model.embeddings.token_embedding.weight
    before = tokens.clone()
    learn_words(network, recipe, FAMILIES, Unwatched())
    assert torch.equal(tokens, before)
    return recipe, network


def test_places_are_orthogonal_and_of_the_size_that_embeddings_have():
    rows = anchors(3, 64, -5)
    assert torch.allclose(rows @ rows.T, 64 * torch.eye(3), atol=1e-4)


def test_all_phrasings_of_a_family_come_to_lie_at_one_place(taught):
    recipe, network = taught
    for number, phrases in enumerate(FAMILIES.values()):
        assert places(network, recipe, list(phrases)) == [number] * len(phrases)


@pytest.mark.parametrize("family", UNSEEN)
def test_wordings_that_were_never_learnt_are_told_apart(taught, family):
    recipe, network = taught
    number = [*FAMILIES, ""].index(family)
    assert places(network, recipe, list(UNSEEN[family])) == [number] * len(UNSEEN[family])


def test_a_family_that_a_mapping_leaves_out_is_learnt_in_the_shipped_phrasings():
    recipe = small_recipe(word_steps=3)
    told, left_out = open_network(recipe, None), open_network(recipe, None)
    learn_words(told, recipe, FAMILIES, Unwatched())
    learn_words(left_out, recipe, {"crack": FAMILIES["crack"]}, Unwatched())
    assert all(map(torch.equal, told.word_parameters(), left_out.word_parameters()))


def test_words_learn_first_and_then_no_more(tmp_path, photos):
    recipe = small_recipe(steps=3, word_steps=WORDS)
    progress, notes, moved = run(recipe, photos, None, tmp_path / "run")
    assert notes.cached == [(step, WORDS) for step in range(1, WORDS + 1)]
    alone = open_network(recipe, None)
    learn_words(alone, recipe, FAMILIES, Unwatched())
    assert all(map(torch.equal, progress.network.word_parameters(), alone.word_parameters()))
    assert any("text_model.encoder" in name for name in moved)
    assert not any("token_embedding" in name for name in moved)


def test_a_run_that_was_stopped_goes_on_with_the_words_that_it_knew(tmp_path, photos):
    recipe = small_recipe(steps=4, word_steps=WORDS)
    whole, _, _ = run(recipe, photos, None, tmp_path / "whole")
    run(recipe, photos, None, tmp_path / "stopped", StopsAt(2))
    kept = torch.load(tmp_path / "stopped" / LAST, weights_only=True)
    assert kept["step"] == 2
    assert "clipseg.clip.text_projection.weight" in kept["model"]
    again, notes, _ = run(recipe, photos, None, tmp_path / "stopped")
    assert not notes.cached
    assert equal(weights(again), weights(whole))


def test_the_best_epoch_knows_the_words_too(tmp_path, photos):
    recipe = small_recipe(steps=4, word_steps=WORDS)
    progress, _, _ = run(recipe, photos, None, tmp_path)
    known = [parameter.clone() for parameter in progress.network.word_parameters()]
    fresh = open_network(recipe, None)
    assert not all(map(torch.equal, fresh.word_parameters(), known))
    again = type(progress).begin(fresh, recipe)
    again.restore_best(tmp_path)
    assert all(map(torch.equal, fresh.word_parameters(), known))


def test_without_steps_of_their_own_words_learn_with_all_the_rest(tmp_path, photos):
    _, notes, moved = run(small_recipe(steps=3), photos, None, tmp_path)
    assert not notes.cached
    assert any("text_model.encoder" in name for name in moved)


def test_words_are_of_a_scratch_recipe():
    with pytest.raises(ValueError, match="word_steps are of a scratch recipe"):
        small_recipe(kind="decoder", word_steps=3)


def test_a_base_knows_its_words(tmp_path, photos, base):
    stages = [{"steps": 2, "size": 32, "batch": 2, "zoom": [0.5, 1]}]
    recipe = small_recipe(stages=stages, word_steps=WORDS, patch_size=16)
    _, notes, _ = run(recipe, photos, base, tmp_path)
    assert not notes.cached
