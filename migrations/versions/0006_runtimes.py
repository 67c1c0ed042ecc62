"""Remember what computed a photo's result: only the same runtime gives the same bytes again."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("runtime", sa.String(300)))


def downgrade() -> None:
    op.drop_column("tasks", "runtime")
