"""The text tower of a fresh model learns what people ask for, before any photo is seen.

From noise, two phrasings of a family are as far apart as a crack and a cat, and a decoder has to learn
for each of them anew. Meanwhile it learns to keep silent.
"""

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW

from trainer.model import embed
from trainer.network import Network
from trainer.phrases import WrongPhrases, plain_words, with_shipped
from trainer.recipe import Recipe
from trainer.watch import Watcher

PHASE = "Words"
BATCH = 96
LEARNING_RATE = 2e-3
FAMILY_SHARE = 0.5
"""Of the prompts that a family answers; the others ask for what no map is to show."""
DRESSED_SHARE = 0.4
ADDRESSES = (
    "segment {}",
    "segment the {}",
    "find the {}",
    "find {}",
    "a {}",
    "the {}",
    "a photo of a {}",
    "{}s",
)


def learn_words(
    network: Network, recipe: Recipe, phrases: Mapping[str, Sequence[str]], watcher: Watcher
) -> None:
    """`word_steps` steps of the text tower: a pure function of the recipe's seed and the phrases.

    Each family's phrasings, alone or with other words beside them, come to lie at one embedding, and all else
    at another one; these are orthogonal, of a root mean square of 1.
    """
    phrases = with_shipped(phrases)  # frames show every family, also one that a mapping leaves out
    clipseg, words = network.clipseg, plain_words(network.tokenizer)
    wrong = WrongPhrases(words, phrases)
    places = anchors(len(phrases) + 1, clipseg.config.projection_dim, recipe.seed).to(network.device)
    tower = [parameter.requires_grad_(True) for parameter in network.word_parameters()]
    optimizer = AdamW(tower, lr=LEARNING_RATE, weight_decay=0.0)
    for step in range(recipe.word_steps):
        prompts, answers = _drawn(phrases, words, wrong, random.Random(f"{recipe.seed}/words/{step}"))
        loss = functional.mse_loss(embed(clipseg, network.tokenizer, prompts), places[answers])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(tower, recipe.gradient_norm)
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / recipe.word_steps)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        watcher.prepared(PHASE, step + 1, recipe.word_steps)
    for parameter in tower:
        parameter.requires_grad_(False)


def anchors(count: int, width: int, seed: int) -> Tensor:
    """(count, width) orthogonal embeddings, of a root mean square of 1."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    columns, _ = torch.linalg.qr(torch.randn(width, count, generator=generator))
    rows: Tensor = columns.T.contiguous() * width**0.5
    return rows


def _drawn(
    phrases: Mapping[str, Sequence[str]], words: Sequence[str], wrong: WrongPhrases, rng: random.Random
) -> tuple[list[str], list[int]]:
    """Prompts, and which embedding each is to have: its family's, or the last."""
    prompts, answers = list[str](), list[int]()
    for _ in range(BATCH):
        asked = rng.random() < FAMILY_SHARE
        place = rng.randrange(len(phrases)) if asked else len(phrases)
        phrase = rng.choice(list(phrases.values())[place]) if asked else wrong.draw(rng)
        dressed = rng.random() < DRESSED_SHARE
        prompts.append(_dressed(phrase, words, rng, asked) if dressed else phrase)
        answers.append(place)
    return prompts, answers


def _dressed(phrase: str, words: Sequence[str], rng: random.Random, asked: bool) -> str:
    """The phrase as part of a longer one."""
    if not asked or rng.random() < 0.3:
        return rng.choice(ADDRESSES).format(phrase)
    beside = rng.choice(words)
    return rng.choice((f"{beside} {phrase}", f"{phrase} {beside}", f"{rng.choice(words)} {phrase} {beside}"))
