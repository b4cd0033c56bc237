"""All tables, as SQLAlchemy Core; `migrations/` makes them. Rooms that own a table say so in the comment beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A point in time, kept as microseconds since 1970 UTC: the same in every database, sortable, no time zone to lose."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)


# signer.keys
key_versions = Table(
    "key_versions",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("algorithms", Text, nullable=False),  # names, comma between; the first is the default
    Column("key_id", LargeBinary(32), nullable=False, unique=True),  # CKA_ID in the token
    Column("public_key", LargeBinary, nullable=False),  # SubjectPublicKeyInfo, DER
    Column("certificate_chain", Text, nullable=False),  # PEM, leaf first; empty where the key has none
    Column("state", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

# signer.archive: one row for each issue_id; "reserved" until the document is durable, then "released"
documents = Table(
    "documents",
    metadata,
    Column("document_id", String(40), primary_key=True),
    Column("client", String(128), nullable=False),
    Column("issue_id", String(128), nullable=False),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reserved_by", String(128), nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("template", String(128), nullable=False),
    Column("number", String(128)),
    Column("issued_at", UtcTime),
    Column("sm3", LargeBinary(32)),
    UniqueConstraint("client", "issue_id"),
)

# signer.archive: the issue register; every revision that was ever released
released_revisions = Table(
    "released_revisions",
    metadata,
    Column("sm3", LargeBinary(32), primary_key=True),  # of the whole file
    Column("document_id", String(40), ForeignKey("documents.document_id"), nullable=False),
    Column("signed_sm3", LargeBinary(32), nullable=False),  # of the bytes that the signature covers
    Column("revision", Integer, nullable=False),
    Column("released_at", UtcTime, nullable=False),
    Column("proof_ends_at", UtcTime),  # when its outermost certificate expires; null: released before this was kept
    Index("ix_released_revisions_signed_sm3", "signed_sm3"),
    Index("ix_released_revisions_proof_ends_at", "proof_ends_at"),
    Index("ix_released_revisions_document_id", "document_id"),
)

# signer.archive: receipts of the signatures on a document
document_receipts = Table(
    "document_receipts",
    metadata,
    Column("document_id", String(40), ForeignKey("documents.document_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("log_id", String(128), nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)

# signer.contracts: which document speaks for which contract, and when it is in force
contract_documents = Table(
    "contract_documents",
    metadata,
    Column("document_id", String(40), ForeignKey("documents.document_id"), primary_key=True),
    Column("contract_number", String(128), nullable=False),
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Index("ix_contract_documents_contract_number", "contract_number"),
)
