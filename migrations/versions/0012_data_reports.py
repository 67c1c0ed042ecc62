"""What a training was asked to make of its data, and what it found there.

Earlier trainings went by the folders' split and the shipped classes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    splits = sa.Enum(
        "official", "grouped", "scenes", name="split", native_enum=False, create_constraint=True, length=20
    )
    nobody = sa.text("'{}'")
    op.add_column("trainings", sa.Column("split", splits, nullable=False, server_default="official"))
    op.add_column("trainings", sa.Column("classes", sa.JSON))  # JSONB would put the families in another order
    op.add_column("trainings", sa.Column("licence", sa.String(200)))
    op.add_column(
        "trainings", sa.Column("attribution", sa.ARRAY(sa.Text), nullable=False, server_default=nobody)
    )
    op.add_column("trainings", sa.Column("data_report", postgresql.JSONB))


def downgrade() -> None:
    for name in ("data_report", "attribution", "licence", "classes", "split"):
        op.drop_column("trainings", name)
