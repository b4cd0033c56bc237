"""The first tables: keys, documents, issue register, receipts, contracts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_documents()
    _create_key_versions()
    _create_contract_documents()
    _create_document_receipts()
    _create_released_revisions()


def _create_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("document_id", sa.String(length=40), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("issue_id", sa.String(length=128), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reserved_by", sa.String(length=128), nullable=False),
        sa.Column("reserved_at", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.String(length=128), nullable=False),
        sa.Column("number", sa.String(length=128), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("sm3", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_documents")),
        sa.UniqueConstraint("client", "issue_id", name=op.f("uq_documents_client")),
    )


def _create_key_versions() -> None:
    op.create_table(
        "key_versions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("algorithms", sa.Text(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_chain", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_key_versions")),
        sa.UniqueConstraint("key_id", name=op.f("uq_key_versions_key_id")),
    )


def _create_contract_documents() -> None:
    op.create_table(
        "contract_documents",
        sa.Column("document_id", sa.String(length=40), nullable=False),
        sa.Column("contract_number", sa.String(length=128), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_contract_documents_document_id_documents")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_contract_documents")),
    )
    with op.batch_alter_table("contract_documents", schema=None) as batch_op:
        batch_op.create_index("ix_contract_documents_contract_number", ["contract_number"], unique=False)


def _create_document_receipts() -> None:
    op.create_table(
        "document_receipts",
        sa.Column("document_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.String(length=128), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_document_receipts_document_id_documents")
        ),
        sa.PrimaryKeyConstraint("document_id", "position", name=op.f("pk_document_receipts")),
    )


def _create_released_revisions() -> None:
    op.create_table(
        "released_revisions",
        sa.Column("sm3", sa.LargeBinary(length=32), nullable=False),
        sa.Column("document_id", sa.String(length=40), nullable=False),
        sa.Column("signed_sm3", sa.LargeBinary(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_released_revisions_document_id_documents")
        ),
        sa.PrimaryKeyConstraint("sm3", name=op.f("pk_released_revisions")),
    )
    with op.batch_alter_table("released_revisions", schema=None) as batch_op:
        batch_op.create_index("ix_released_revisions_document_id", ["document_id"], unique=False)
        batch_op.create_index("ix_released_revisions_signed_sm3", ["signed_sm3"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("released_revisions", schema=None) as batch_op:
        batch_op.drop_index("ix_released_revisions_signed_sm3")
        batch_op.drop_index("ix_released_revisions_document_id")

    op.drop_table("released_revisions")
    op.drop_table("document_receipts")
    with op.batch_alter_table("contract_documents", schema=None) as batch_op:
        batch_op.drop_index("ix_contract_documents_contract_number")

    op.drop_table("contract_documents")
    op.drop_table("key_versions")
    op.drop_table("documents")
