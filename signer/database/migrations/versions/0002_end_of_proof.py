"""Until when each released revision proves itself: what renewal looks for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("released_revisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proof_ends_at", sa.BigInteger(), nullable=True))
        batch_op.create_index("ix_released_revisions_proof_ends_at", ["proof_ends_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("released_revisions", schema=None) as batch_op:
        batch_op.drop_index("ix_released_revisions_proof_ends_at")
        batch_op.drop_column("proof_ends_at")
