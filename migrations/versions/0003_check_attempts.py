"""Count the checks of a model, so that a bundle that ends its process is not tried for ever."""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    attempt = sa.Column("attempt", sa.SmallInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("model_versions", attempt)


def downgrade() -> None:
    op.drop_column("model_versions", "attempt")
