"""The catalogue of issued documents and the issue register.

The order that a crash can't split: reserve the issue_id → (render, seal) → put the blob, durable → `release` in one
transaction. Before the release there is no document; after it everything needed to fetch and verify it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from signer.database.engine import Database
from signer.database.tables import document_receipts, documents, released_revisions
from signer.errors import Reason, RequestError

_RESERVED = "reserved"
_RELEASED = "released"
# A reservation older than this belongs to a process that is no more: issuing takes seconds, deadlines are shorter.
_ABANDONED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class StoredReceipt:
    """A log receipt as kept with its document."""

    log_id: str
    index: int
    entry: bytes


@dataclass(frozen=True)
class Reservation:
    """An issue_id held for one attempt to issue."""

    document_id: str


@dataclass(frozen=True)
class ReleasedDocument:
    """A released document's row with its receipts. `sm3` names the blob."""

    document_id: str
    template: str
    number: str
    issued_at: datetime
    sm3: bytes
    receipts: tuple[StoredReceipt, ...]


@dataclass(frozen=True)
class ReleasedRevision:
    """A line of the issue register, with the document's own facts."""

    sm3: bytes
    signed_sm3: bytes
    revision: int
    document_id: str
    template: str
    number: str
    issued_at: datetime


# Made once: building a statement costs more than running it, and every upload needs one.
_REVISION = (
    select(
        released_revisions.c.sm3,
        released_revisions.c.signed_sm3,
        released_revisions.c.revision,
        documents.c.document_id,
        documents.c.template,
        documents.c.number,
        documents.c.issued_at,
    )
    .join(documents)
    .order_by(released_revisions.c.revision)
    .limit(1)
)
_BY_FILE = _REVISION.where(released_revisions.c.sm3 == bindparam("digest"))
_BY_SIGNED_BYTES = _REVISION.where(released_revisions.c.signed_sm3 == bindparam("digest"))
_BY_ISSUE_ID = select(documents).where(
    documents.c.client == bindparam("of_client"), documents.c.issue_id == bindparam("of_issue_id")
)
# What they set is what they are executed with.
_RESERVE = insert(documents)
_RELEASE = update(documents).where(documents.c.document_id == bindparam("held"), documents.c.state == _RESERVED)
_KEEP_RECEIPTS = insert(document_receipts)
_REGISTER = insert(released_revisions)


class BytesReleasedBefore(Exception):
    """Equal data, sealed in the same second by a deterministic algorithm, gave a document that is there already."""


class Catalogue:
    """Reservations, released documents, the register of released revisions."""

    def __init__(self, database: Database, owner: str) -> None:
        """`owner` names this process across restarts (e.g. "appliance/worker-0"): what it held before is abandoned."""
        self._database = database
        self._owner = owner

    def abandon_own_reservations(self) -> None:
        """Called once at start: a predecessor of the same name is dead, and what it had reserved was never released."""
        with self._database.transaction(write=True) as connection:
            connection.execute(
                delete(documents).where(documents.c.state == _RESERVED, documents.c.reserved_by == self._owner)
            )

    def reserve(
        self, *, client: str, issue_id: str, request_digest: bytes, document_id: str, template: str
    ) -> Reservation | ReleasedDocument:
        """Holds the issue_id, or returns the document that it was released as before.

        Raises:
            RequestError: ISSUE_ID_REUSED (another request), ISSUE_IN_PROGRESS (the same request is being worked on).
            ApplianceError: the database can't be written.
        """
        values = {
            "document_id": document_id,
            "client": client,
            "issue_id": issue_id,
            "request_digest": request_digest,
            "state": _RESERVED,
            "reserved_by": self._owner,
            "reserved_at": datetime.now(UTC),
            "template": template,
        }
        with self._database.transaction(write=True) as connection:
            row = connection.execute(_BY_ISSUE_ID, {"of_client": client, "of_issue_id": issue_id}).one_or_none()
            if row is None:
                try:
                    connection.execute(_RESERVE, values)
                except IntegrityError:  # another appliance on the same database was faster
                    raise _in_progress() from None
                return Reservation(document_id)
            if row.request_digest != request_digest:
                raise RequestError(
                    Reason.ISSUE_ID_REUSED,
                    f"the issue_id {issue_id!r} was used for another request",
                    "Send the same request again to get its document, or take a new issue_id.",
                )
            if row.state == _RELEASED:
                return _read_released(connection, row)
            if row.reserved_at > datetime.now(UTC) - _ABANDONED_AFTER:
                raise _in_progress()
            connection.execute(update(documents).where(documents.c.document_id == row.document_id).values(**values))
            return Reservation(document_id)

    def cancel(self, reservation: Reservation) -> None:
        """Gives an issue_id free again after a failure. Raises ApplianceError."""
        with self._database.transaction(write=True) as connection:
            connection.execute(
                delete(documents).where(
                    documents.c.document_id == reservation.document_id, documents.c.state == _RESERVED
                )
            )

    def release(
        self,
        document: ReleasedDocument,
        *,
        signed_sm3: bytes,
        proof_ends_at: datetime | None = None,
        together_with: Sequence[Callable[[Connection], None]] = (),
    ) -> None:
        """Makes a reserved document a released one: row, receipts, register and `together_with`, all or nothing.

        Raises:
            RequestError: ISSUE_IN_PROGRESS, when the reservation was lost meanwhile (nothing is released then).
            BytesReleasedBefore: another document has exactly these bytes (nothing is released then, either).
            ApplianceError: the database can't be written.
        """
        with self._database.transaction(write=True) as connection:
            released = {
                "state": _RELEASED,
                "number": document.number,
                "issued_at": document.issued_at,
                "sm3": document.sm3,
            }
            changed = connection.execute(_RELEASE, {"held": document.document_id, **released})
            if changed.rowcount != 1:
                raise _in_progress()
            if connection.execute(_BY_FILE, {"digest": document.sm3}).first() is not None:
                raise BytesReleasedBefore
            connection.execute(
                _KEEP_RECEIPTS,
                [
                    {
                        "document_id": document.document_id,
                        "position": position,
                        "log_id": receipt.log_id,
                        "log_index": receipt.index,
                        "entry": receipt.entry,
                    }
                    for position, receipt in enumerate(document.receipts)
                ],
            )
            connection.execute(
                _REGISTER,
                {
                    "sm3": document.sm3,
                    "document_id": document.document_id,
                    "signed_sm3": signed_sm3,
                    "revision": 1,
                    "released_at": document.issued_at,
                    "proof_ends_at": proof_ends_at,
                },
            )
            for step in together_with:
                step(connection)

    def find_released(self, document_id: str) -> ReleasedDocument | None:
        """A released document by its id. Raises ApplianceError."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(documents).where(documents.c.document_id == document_id, documents.c.state == _RELEASED)
            ).one_or_none()
            return None if row is None else _read_released(connection, row)

    def find_revision(self, *, sm3: bytes) -> ReleasedRevision | None:
        """The register's line for exactly these bytes. Raises ApplianceError."""
        return self._find_revision(_BY_FILE, sm3)

    def find_signed_revision(self, *, signed_sm3: bytes) -> ReleasedRevision | None:
        """The register's first line whose signature covers exactly these bytes. Raises ApplianceError."""
        return self._find_revision(_BY_SIGNED_BYTES, signed_sm3)

    def _find_revision(self, query: Select[Any], digest: bytes) -> ReleasedRevision | None:
        row = self._database.look_up(query, {"digest": digest})
        return None if row is None else ReleasedRevision(*tuple(row))

    def released_blobs(self) -> set[bytes]:
        """The SM3 of every file that a row names: what is not an orphan. Raises ApplianceError."""
        with self._database.transaction() as connection:
            return set(connection.execute(select(released_revisions.c.sm3)).scalars())


def _read_released(connection: Connection, row: Row[tuple[object, ...]]) -> ReleasedDocument:
    receipts = connection.execute(
        select(document_receipts)
        .where(document_receipts.c.document_id == row.document_id)
        .order_by(document_receipts.c.position)
    )
    return ReleasedDocument(
        document_id=row.document_id,
        template=row.template,
        number=row.number,
        issued_at=row.issued_at,
        sm3=row.sm3,
        receipts=tuple(StoredReceipt(receipt.log_id, receipt.log_index, receipt.entry) for receipt in receipts),
    )


def _in_progress() -> RequestError:
    return RequestError(
        Reason.ISSUE_IN_PROGRESS,
        "the same issue_id is being worked on",
        "Send the same request again in a second; it gives the document then.",
    )
