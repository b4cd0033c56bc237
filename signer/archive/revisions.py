"""Further revisions of released documents: which one is the newest, which ones want renewal, and how another is added.

Not for the first revision: `catalogue` releases it together with its document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import and_, func, insert, select
from sqlalchemy.exc import IntegrityError

from signer.archive.catalogue import StoredReceipt
from signer.database.engine import Database
from signer.database.tables import document_receipts, released_revisions
from signer.errors import Reason, RequestError


@dataclass(frozen=True)
class Revision:
    """A line of the issue register. `proof_ends_at`: when its outermost certificate expires; None: not known."""

    document_id: str
    revision: int
    sm3: bytes
    signed_sm3: bytes
    proof_ends_at: datetime | None


_COLUMNS = (
    released_revisions.c.document_id,
    released_revisions.c.revision,
    released_revisions.c.sm3,
    released_revisions.c.signed_sm3,
    released_revisions.c.proof_ends_at,
)


class RevisionRegister:
    """Reads and extends the issue register."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, document_id: str) -> Revision | None:
        """The newest revision of a document. Raises ApplianceError."""
        query = (
            select(*_COLUMNS)
            .where(released_revisions.c.document_id == document_id)
            .order_by(released_revisions.c.revision.desc())
            .limit(1)
        )
        with self._database.transaction() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Revision(*row)

    def ending_before(self, moment: datetime, *, limit: int) -> list[Revision]:
        """The newest revisions whose proof ends before that, those that end first at the beginning. Raises ApplianceError."""
        newest = (
            select(released_revisions.c.document_id, func.max(released_revisions.c.revision).label("revision"))
            .group_by(released_revisions.c.document_id)
            .subquery()
        )
        query = (
            select(*_COLUMNS)
            .join(
                newest,
                and_(
                    newest.c.document_id == released_revisions.c.document_id,
                    newest.c.revision == released_revisions.c.revision,
                ),
            )
            .where(released_revisions.c.proof_ends_at < moment)
            .order_by(released_revisions.c.proof_ends_at, released_revisions.c.document_id)
            .limit(limit)
        )
        with self._database.transaction() as connection:
            return [Revision(*row) for row in connection.execute(query)]

    def add(self, revision: Revision, receipts: Sequence[StoredReceipt]) -> None:
        """Releases a further revision; its blob is there already.

        Raises:
            RequestError: ISSUE_IN_PROGRESS, when somebody else added the same one meanwhile (nothing is released then).
            ApplianceError: the database can't be written.
        """
        with self._database.transaction(write=True) as connection:
            taken = connection.execute(
                select(func.max(released_revisions.c.revision)).where(
                    released_revisions.c.document_id == revision.document_id
                )
            ).scalar_one()
            if taken != revision.revision - 1:
                raise _overtaken()
            try:
                connection.execute(
                    insert(released_revisions).values(
                        sm3=revision.sm3,
                        document_id=revision.document_id,
                        signed_sm3=revision.signed_sm3,
                        revision=revision.revision,
                        released_at=datetime.now(UTC),
                        proof_ends_at=revision.proof_ends_at,
                    )
                )
            except IntegrityError:
                raise _overtaken() from None
            first = connection.execute(
                select(func.count()).where(document_receipts.c.document_id == revision.document_id)
            ).scalar_one()
            if receipts:
                connection.execute(
                    insert(document_receipts),
                    [
                        {
                            "document_id": revision.document_id,
                            "position": first + position,
                            "log_id": receipt.log_id,
                            "log_index": receipt.index,
                            "entry": receipt.entry,
                        }
                        for position, receipt in enumerate(receipts)
                    ],
                )


def _overtaken() -> RequestError:
    return RequestError(
        Reason.ISSUE_IN_PROGRESS,
        "the document is being extended by somebody else",
        "Ask again in a second; it may be done by then.",
    )
