"""Prompts to token ids, with the `tokenizers` package alone: the worker needs no transformers for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wallscan.domain.codes import Code
from wallscan.domain.errors import PromptError

_LEGACY_END = 2
"""The `eos_token_id` of configurations older than transformers PR 24773: the highest id ends the prompt."""


@dataclass(frozen=True, slots=True)
class PromptTokenizer:
    """A bundle's tokenizer for a text tower that reads `length` tokens and stops at `end_id`."""

    tokenizer: Tokenizer
    length: int
    end_id: int

    def ids(self, prompt: str) -> list[int]:
        """The prompt's token ids with its start and end. Raises PromptError `prompt_too_many_tokens`."""
        ids: list[int] = self.tokenizer.encode(prompt).ids
        if len(ids) > self.length:
            raise PromptError(
                Code.PROMPT_TOO_MANY_TOKENS,
                f"the prompt has {len(ids)} tokens, the model reads {self.length}",
            )
        return ids

    def __call__(self, prompt: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids (1, length), padded with the last, and the place (1,) that the text tower reads its answer at.

        Raises PromptError `prompt_too_many_tokens`.
        """
        ids = self.ids(prompt)
        end_id = max(ids) if self.end_id == _LEGACY_END else self.end_id
        end = ids.index(end_id) if end_id in ids else 0
        padded = ids + [ids[-1]] * (self.length - len(ids))
        return np.array([padded], np.int64), np.array([end], np.int64)
