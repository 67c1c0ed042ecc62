"""A first request holds its Idempotency-Key for as long as it lives, not for five minutes."""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("remembered_answers", sa.Column("alive_until", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE remembered_answers SET alive_until = created_at + interval '5 minutes' WHERE status IS NULL"
    )


def downgrade() -> None:
    op.drop_column("remembered_answers", "alive_until")
