"""How far a training has come before its first step: words, a teacher, kept activations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("trainings", sa.Column("preparation", postgresql.JSONB))


def downgrade() -> None:
    op.drop_column("trainings", "preparation")
