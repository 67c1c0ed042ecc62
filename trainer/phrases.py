"""What people ask for: the phrasings of each prompt family, and things that are neither."""

import random
from collections.abc import Mapping, Sequence
from itertools import chain

from transformers import CLIPTokenizer

from trainer.data.classes import default_classes
from wallscan.models.manifest import plain_phrase

CRACK, JOINT = "crack", "drywall joint"
"""The families that frames are composed of."""
FAMILIES: Mapping[str, tuple[str, ...]] = default_classes().phrases()
"""The shipped phrasings (`data/classes.yaml`)."""

OTHER_THINGS: tuple[str, ...] = (
    "window", "door", "stain", "water stain", "pipe", "a cat", "a dog", "person", "hand", "cable", "wire",
    "power outlet", "light switch", "screw", "nail hole", "paint", "brick", "floor", "ceiling",
    "skirting board", "radiator", "lamp", "shadow", "mould", "rust", "tile", "tree", "sky", "car", "chair",
    "table", "text", "ladder", "tool", "clamp", "hole", "dent", "scratch", "peeling paint", "spalling",
    "insulation", "wood", "graffiti", "plant", "corner", "edge", "wall", "concrete", "plaster", "bucket",
    "curtain", "picture frame", "ventilation grille", "smoke detector", "sticker", "dirt", "bird", "flower",
    "road", "ship", "bottle", "keyboard", "cup of coffee", "segment window", "segment the pipe",
    "find the cat", "segment stain", "a photo of a door", "crane", "crab", "tapestry", "join us", "jointly",
    "crackers", "soap", "sea",
)  # fmt: skip

OTHER_THINGS_SHARE = 0.55
KNOWN_STEMS = ("crack", "fissure", "joint", "seam", "drywall", "tap", "join", "plasterboard", "segment")


def with_shipped(phrases: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The phrasings of every family: of those that a mapping leaves out, the shipped ones."""
    return {**FAMILIES, **phrases}


def plain_words(tokenizer: CLIPTokenizer) -> list[str]:
    """Whole words of the vocabulary that are part of no family's phrase, sorted."""
    words = (token.removesuffix("</w>") for token in tokenizer.get_vocab() if token.endswith("</w>"))
    return sorted(
        word
        for word in words
        if word.isascii() and word.isalpha() and len(word) > 2 and not any(s in word for s in KNOWN_STEMS)
    )


class WrongPhrases:
    """Prompts that no family answers: a thing, or one to three random words.

    What is a phrasing of a family is left out of both, whoever gave it: `hole` may be somebody's crack.
    """

    def __init__(self, words: Sequence[str], phrases: Mapping[str, Sequence[str]]) -> None:
        right = {plain_phrase(phrase) for phrase in chain.from_iterable(phrases.values())}
        self._words, self._things = (
            [text for text in texts if plain_phrase(text) not in right] for texts in (words, OTHER_THINGS)
        )

    def draw(self, rng: random.Random) -> str:
        """One of them."""
        if rng.random() < OTHER_THINGS_SHARE:
            return rng.choice(self._things)
        return " ".join(rng.choice(self._words) for _ in range(rng.randint(1, 3)))
