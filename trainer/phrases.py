"""What people ask for: the phrasings of each prompt family, and things that are neither."""

import random
from collections.abc import Mapping, Sequence

from transformers import CLIPTokenizer

from trainer.data.classes import default_classes

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


def wrong_phrase(words: Sequence[str], rng: random.Random) -> str:
    """A prompt that no family answers: a thing, or one to three random words."""
    if rng.random() < OTHER_THINGS_SHARE:
        return rng.choice(OTHER_THINGS)
    return " ".join(rng.choice(words) for _ in range(rng.randint(1, 3)))
