"""Attempts that were given back count on: a storage that is away for days must not use the numbers up."""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

COUNTING_ON = ("tasks", "trainings")


def upgrade() -> None:
    for table in COUNTING_ON:
        op.alter_column(table, "attempt", type_=sa.Integer)


def downgrade() -> None:
    for table in COUNTING_ON:
        op.alter_column(table, "attempt", type_=sa.SmallInteger)
