"""An inspection, and photos handed in to it."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from tests.records.given import given_inspection
from wallscan.records import intake
from wallscan.records.intake import Candidate, Placed
from wallscan.records.session import transaction


@pytest.fixture
def inspection(engine: Engine) -> uuid.UUID:
    return given_inspection(engine)[0]


@pytest.fixture
def place(engine: Engine, inspection: uuid.UUID) -> Callable[..., list[Placed]]:
    def placed(*candidates: Candidate) -> list[Placed]:
        with transaction(engine) as session:
            return intake.place(session, inspection, candidates)

    return placed
