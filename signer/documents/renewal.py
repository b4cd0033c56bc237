"""Renewal: a further archive timestamp before a document's proof runs out, with validation data for what is there (PAdES B-LTA chains).

Our own files are extended by our own embedder, others by the inspector's process. The document itself is not touched, older revisions stay
what they are, and each becomes a line of the issue register.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signer.algorithms import sm3
from signer.archive.blobs import BlobDirectory
from signer.archive.catalogue import StoredReceipt
from signer.archive.revisions import Revision, RevisionRegister
from signer.audit import Receipt
from signer.authz import Actor
from signer.deadline import Deadline
from signer.documents.proof_end import proof_end
from signer.documents.seal import SealProfile
from signer.documents.sealing import TIMESTAMP_RESERVE, Gap, Sealing
from signer.documents.stranger_pdfs import StrangerPdfs
from signer.errors import ApplianceError, Reason, RequestError
from signer.pades.embed import prepare_timestamp
from signer.pades.evidence import Integrity
from signer.pades.shape import SealedShape, ShapeMismatch, check_shape
from signer.pades.signature_gap import read_gap_at
from signer.pades.stranger_plan import StrangerPlan, UnsafeToSeal
from signer.pades.update_plan import SUBFILTER_TIMESTAMP

MAX_LISTED = 1_000


@dataclass(frozen=True)
class ExtendedDocument:
    """A document's new revision with its file."""

    revision: Revision
    pdf: bytes
    receipts: tuple[StoredReceipt, ...]


class Renewal:
    """Extends released documents."""

    def __init__(
        self, *, sealing: Sealing, strangers: StrangerPdfs, blobs: BlobDirectory, revisions: RevisionRegister
    ) -> None:
        self._sealing = sealing
        self._strangers = strangers
        self._blobs = blobs
        self._revisions = revisions

    def ending_before(self, moment: datetime, limit: int) -> list[Revision]:
        """Newest revisions whose proof ends before that. Raises ApplianceError."""
        return self._revisions.ending_before(moment, limit=min(max(limit, 1), MAX_LISTED))

    def extend(self, actor: Actor, document_id: str, deadline: Deadline) -> ExtendedDocument:
        """Adds an archive timestamp to a document's newest revision, and releases the result.

        Raises:
            RequestError: DOCUMENT_UNKNOWN, NOT_SUPPORTED (no timestamp authority, or no revocation lists).
            AccessError: the client has no grant for the timestamp key.
            HsmError, ApplianceError: token, authority, lists, inspector or database stopped it; nothing was released.
        """
        self._sealing.check_profile(SealProfile.PADES_LTA)
        newest = self._revisions.newest(document_id)
        if newest is None:
            raise RequestError(
                Reason.DOCUMENT_UNKNOWN, f"there is no released document {document_id!r}", "Use a document_id of ours."
            )
        pdf = self._blobs.get(newest.sm3)
        receipts: list[Receipt] = []
        try:
            extended, token = self._extend_own(check_shape(pdf), actor, receipts, deadline)
        except ShapeMismatch:
            extended, token = self._extend_other(pdf, actor, receipts, deadline)
        revision = Revision(
            document_id,
            newest.revision + 1,
            self._blobs.put(extended, name=sm3.digest(extended)),
            newest.signed_sm3,
            proof_end((), token),
        )
        stored = tuple(StoredReceipt(item.log_id, item.index, item.entry) for item in receipts)
        self._revisions.add(revision, stored)
        return ExtendedDocument(revision, extended, stored)

    def _extend_own(
        self, shape: SealedShape, actor: Actor, receipts: list[Receipt], deadline: Deadline
    ) -> tuple[bytes, bytes]:
        """The extended file and its new token."""
        data = self._sealing.validation_data([each.content for each in shape.signatures])
        prepared = prepare_timestamp(shape.pdf, contents_reserve=TIMESTAMP_RESERVE, validation_data=data)
        token = self._stamp(prepared, actor, receipts, deadline)
        extended = prepared.fill(token)
        try:
            check_shape(extended)
        except ShapeMismatch as problem:
            raise ApplianceError(
                Reason.OWN_SIGNATURE_WRONG, "the extended document is not of our own shape; it was not released"
            ) from problem
        return extended, token

    def _extend_other(
        self, pdf: bytes, actor: Actor, receipts: list[Receipt], deadline: Deadline
    ) -> tuple[bytes, bytes]:
        before = self._strangers.inspect(pdf, timeout=deadline.remaining())
        contents = [read_gap_at(pdf, item.covered) for item in before.signatures if item.trusted and item.covered]
        plan = StrangerPlan(
            SUBFILTER_TIMESTAMP.decode(),
            contents_reserve=TIMESTAMP_RESERVE,
            validation_data=self._sealing.validation_data(contents),
        )
        try:
            prepared = self._strangers.prepare(pdf, plan, timeout=deadline.remaining())
        except UnsafeToSeal as problem:
            raise ApplianceError(
                Reason.OWN_SIGNATURE_WRONG, f"a released document can't be extended: {problem.reason.value}"
            ) from None
        token = self._stamp(prepared, actor, receipts, deadline)
        extended = prepared.fill(token)
        after = self._strangers.inspect(extended, timeout=deadline.remaining())
        if after.integrity is not Integrity.WHOLE:
            raise ApplianceError(
                Reason.OWN_SIGNATURE_WRONG, "the extended document does not verify; it was not released"
            )
        return extended, token

    def _stamp(self, gap: Gap, actor: Actor, receipts: list[Receipt], deadline: Deadline) -> bytes:
        return self._sealing.renewing_token(gap, actor, receipts, deadline)
