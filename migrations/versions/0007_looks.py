"""How closely a run looks at its photos, and what an item's map shows of one view.

Earlier runs looked at each photo as a whole.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    details = sa.Enum(
        "1", "2", "3", "adaptive", "auto",
        name="look_detail", native_enum=False, create_constraint=True, length=20,
    )  # fmt: skip
    op.add_column("runs", sa.Column("look_detail", details, nullable=False, server_default="1"))
    op.add_column("runs", sa.Column("look_flip", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("items", sa.Column("view_cells", sa.Integer))


def downgrade() -> None:
    op.drop_column("items", "view_cells")
    op.drop_column("runs", "look_flip")
    op.drop_column("runs", "look_detail")
