import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallscan.domain.codes import Code
from wallscan.domain.errors import PromptError
from wallscan.domain.prompts import MAX_PROMPT_CHARS, MAX_PROMPTS, MAX_SLUG_BYTES, normal_prompts, slug


def test_prompts_keep_their_order_and_lose_spare_space():
    assert normal_prompts(["  drywall \n joint ", "crack"]) == ("drywall joint", "crack")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ([], Code.PROMPT_EMPTY),
        (["  "], Code.PROMPT_EMPTY),
        (["?!"], Code.PROMPT_EMPTY),
        (["x" * 10_000], Code.PROMPT_TOO_LONG),
        (["x" * (MAX_PROMPT_CHARS + 1)], Code.PROMPT_TOO_LONG),
        (["crack", "Crack"], Code.PROMPTS_DUPLICATE),
        ([f"crack {number}" for number in range(MAX_PROMPTS + 1)], Code.PROMPTS_TOO_MANY),
    ],
)
def test_unusable_prompts_are_refused(raw, code):
    with pytest.raises(PromptError) as caught:
        normal_prompts(raw)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("drywall joint", "drywall-joint"),
        ("Crack / Riß!", "crack-riß"),
        ("../etc", "etc"),
        ("trap_door", "trap-door"),
    ],
)
def test_slugs(prompt, expected):
    assert slug(prompt) == expected


@given(st.text(min_size=1, max_size=MAX_PROMPT_CHARS))
def test_a_slug_is_a_safe_file_name(prompt):
    name = slug(prompt)
    assert len(name.encode()) <= MAX_SLUG_BYTES
    assert "/" not in name
    assert "." not in name


def test_long_prompts_that_differ_late_have_different_slugs():
    head = "crack in the wall " * 8
    assert slug(head + "left") != slug(head + "right")
