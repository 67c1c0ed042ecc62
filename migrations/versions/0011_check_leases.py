"""A model version is checked under a lease, by one trainer at a time; its tries are counted apart."""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.alter_column("model_versions", "attempt", type_=sa.Integer)
    op.add_column(
        "model_versions", sa.Column("tries", sa.SmallInteger, server_default=sa.text("0"), nullable=False)
    )
    op.add_column("model_versions", sa.Column("lease_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("model_versions", "lease_until")
    # Before this revision `attempt` is the count of tries, and small; since, a fence that only grows.
    op.execute("UPDATE model_versions SET attempt = tries")
    op.drop_column("model_versions", "tries")
    op.alter_column("model_versions", "attempt", type_=sa.SmallInteger)
