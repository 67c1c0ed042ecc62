import uuid

import pytest

from wallscan.storage import keys

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
DIGEST = "0123456789abcdef" * 4


def test_keys_lie_under_their_prefixes():
    assert keys.photo(ONE, TWO) == f"photos/{ONE}/{TWO}"
    assert keys.photo(ONE, TWO).startswith(keys.inspection_photos(ONE))
    assert keys.mask(ONE, TWO, 3, 0) == f"runs/{ONE}/{TWO}/3/0.png"
    assert keys.mask(ONE, TWO, 3, 0).startswith(keys.run(ONE))
    assert keys.archive(ONE) == f"archives/{ONE}.zip"
    assert keys.dataset(ONE) == f"datasets/{ONE}.zip"
    assert keys.checkpoint(ONE, 2, 50, "best.pt") == f"trainings/{ONE}/2/50/best.pt"
    assert keys.checkpoint(ONE, 2, 50, "best.pt").startswith(keys.training(ONE))
    assert keys.training(ONE).startswith(keys.trainings())
    assert keys.training_of(keys.checkpoint(ONE, 2, 50, "best.pt")) == ONE
    assert keys.model_file(DIGEST, "model.safetensors") == f"models/{DIGEST}/model.safetensors"


def test_attempts_and_prompts_have_masks_and_maps_of_their_own():
    made = {
        of(ONE, TWO, attempt, index)
        for of in (keys.mask, keys.probability_map)
        for attempt in (1, 2)
        for index in (0, 1)
    }
    assert len(made) == 8


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "A.bin", "a b", "é", ".hidden", "x" * 101, "a\n"]
)
def test_a_model_file_cannot_have_a_name_from_outside(name):
    with pytest.raises(ValueError, match="name"):
        keys.model_file(DIGEST, name)
    with pytest.raises(ValueError, match="name"):
        keys.checkpoint(ONE, 1, 1, name)


@pytest.mark.parametrize("digest", ["", "..", DIGEST[1:], DIGEST.upper(), DIGEST + "\n"])
def test_a_digest_is_a_digest(digest):
    with pytest.raises(ValueError, match="SHA-256"):
        keys.model(digest)
