"""What all bodies share: paging and problems."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


UnfamiliarPrompts = Annotated[
    list[str],
    Field(
        description="prompts of no family of the model: no gate or threshold was fitted for them, so that "
        "what is marked, or is not, says little by itself"
    ),
]


class Body(BaseModel):
    """A request or answer body; unknown fields in requests are refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Page(Body, Generic[T]):
    """One page of a listing. `next_cursor` is null on the last page; pass it back unchanged as `cursor`."""

    items: list[T]
    next_cursor: str | None = None


class FieldProblem(Body):
    """One field of a request that was refused."""

    field: str = Field(description="path of the field, for example `files.3.path`")
    message: str


class Problem(Body):
    """RFC 9457 problem details, with a stable `code` to branch on."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    errors: list[FieldProblem] = []
