"""What may be asked of a photo."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from wallscan.domain.codes import Code
from wallscan.domain.errors import PromptError

DEFAULT_PROMPTS = ("crack", "drywall joint")
MAX_PROMPT_CHARS = 200
MAX_PROMPTS = 16
MAX_SLUG_BYTES = 80


def normal_prompt(raw: str) -> str:
    """The one spelling of a prompt: NFC, white space collapsed.

    Raises PromptError `prompt_empty` or `prompt_too_long` (over `MAX_PROMPT_CHARS` characters).
    """
    prompt = " ".join(unicodedata.normalize("NFC", raw).split())
    if not any(character.isalnum() for character in prompt):
        raise PromptError(Code.PROMPT_EMPTY, "a prompt needs at least one letter or digit")
    if len(prompt) > MAX_PROMPT_CHARS:
        raise PromptError(
            Code.PROMPT_TOO_LONG,
            f"a prompt has at most {MAX_PROMPT_CHARS} characters, this one has {len(prompt)}",
        )
    return prompt


def normal_prompts(raw: Sequence[str]) -> tuple[str, ...]:
    """Normal prompts in the given order.

    Raises PromptError `prompt_empty` (also for an empty list), `prompt_too_long`, `prompts_too_many`
    or `prompts_duplicate` (two that share a slug would share a mask file).
    """
    if not raw:
        raise PromptError(Code.PROMPT_EMPTY, "at least one prompt is needed")
    if len(raw) > MAX_PROMPTS:
        raise PromptError(Code.PROMPTS_TOO_MANY, f"at most {MAX_PROMPTS} prompts, got {len(raw)}")
    prompts = tuple(normal_prompt(prompt) for prompt in raw)
    if len({slug(prompt) for prompt in prompts}) < len(prompts):
        raise PromptError(Code.PROMPTS_DUPLICATE, "two prompts are the same or spell the same file name")
    return prompts


def slug(prompt: str) -> str:
    """A prompt as part of a file name: `drywall joint` becomes `drywall-joint`.

    Letters and digits of any script are kept, lower-cased; every other run becomes one hyphen. A slug
    over `MAX_SLUG_BYTES` is cut and ends in a hash, since file systems end names at 255 bytes.
    """
    whole = re.sub(r"[\W_]+", "-", prompt.lower()).strip("-")
    if len(whole.encode()) <= MAX_SLUG_BYTES:
        return whole
    head = whole.encode()[: MAX_SLUG_BYTES - 9].decode(errors="ignore").strip("-")
    return f"{head}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
