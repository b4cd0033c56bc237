"""Sealing PDFs that callers bring: existing signatures stay right, the result is judged by the inspector before it is anybody's.

The inspector's process prepares each update (it may open strangers' PDFs, and holds no key), the key signs here over what came back. Not
for documents that we render (`issue`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring import metrics
from signer.algorithms import sm3
from signer.archive.blobs import BlobDirectory
from signer.archive.catalogue import BytesReleasedBefore, Catalogue, ReleasedDocument, Reservation, StoredReceipt
from signer.authz import Actor
from signer.deadline import Deadline
from signer.documents.issue import IssuedDocument, IssueRequest, check_issue_id
from signer.documents.keyword_places import PlaceFinder
from signer.documents.proof_end import proof_end
from signer.documents.seal import SealProfile, choose_seals
from signer.documents.sealing import LONG_TERM, TIMESTAMP_RESERVE, AuthorisedSeal, Sealing, drawn_by_the_first
from signer.documents.stranger_pdfs import StrangerPdfs
from signer.documents.unsafe import refusal
from signer.documents.verify import MAX_PDF_BYTES
from signer.errors import ApplianceError, Reason, RequestError, SignerError
from signer.findings import Finding
from signer.pades.embed import CrossPagePlace
from signer.pades.evidence import Integrity, SignatureEvidence
from signer.pades.inspection import InspectionReport
from signer.pades.stranger_plan import PlannedPicture, StrangerPlan, UnsafeToSeal
from signer.pades.update_plan import SUBFILTER_TIMESTAMP
from signer.signing import Signer


@dataclass(frozen=True)
class _Sealed:
    pdf: bytes
    signed_sm3: bytes
    proof_ends_at: datetime


class StrangerSealing:
    """Seals documents that callers bring."""

    def __init__(
        self,
        *,
        signer: Signer,
        sealing: Sealing,
        places: PlaceFinder,
        strangers: StrangerPdfs,
        blobs: BlobDirectory,
        catalogue: Catalogue,
    ) -> None:
        self._signer = signer
        self._sealing = sealing
        self._places = places
        self._strangers = strangers
        self._blobs = blobs
        self._catalogue = catalogue

    def seal(self, actor: Actor, pdf: bytes, request: IssueRequest, deadline: Deadline) -> IssuedDocument:
        """Seals, archives and releases; the same request again gives the first document, authorised anew.

        `request`: `template` is empty, `data_json` the PDF's SM3.

        Raises:
            RequestError: DOCUMENT_UNSAFE_TO_SEAL and others; AccessError: nothing was kept.
            HsmError, ApplianceError: token, log, inspector, database or storage stopped it; nothing was released.
        """
        check_issue_id(request.issue_id)
        if not 0 < len(pdf) <= MAX_PDF_BYTES:
            raise RequestError(
                Reason.TOO_LARGE if pdf else Reason.INPUT_MISSING,
                f"a document has up to {MAX_PDF_BYTES // 2**20} MiB, this one has {len(pdf)} bytes",
                "Send a smaller PDF." if pdf else "Send the PDF's bytes.",
            )
        wishes = choose_seals(request.seals, self._sealing.workshop.config)
        for wish in wishes:
            self._sealing.check_profile(wish.profile)
        signs = [
            self._signer.document_signer(actor, wish.key, deadline, template=None, profile=wish.profile.name)
            for wish in wishes
        ]
        reserved = self._catalogue.reserve(
            client=actor.client,
            issue_id=request.issue_id,
            request_digest=request.digest(),
            document_id=secrets.token_hex(16),
            template="",
        )
        if isinstance(reserved, ReleasedDocument):
            return IssuedDocument(reserved, self._blobs.get(reserved.sm3))
        try:
            seals = [
                AuthorisedSeal(wish, self._places.resolve(pdf, wish.places, (), deadline), sign)
                for wish, sign in zip(wishes, signs, strict=True)
            ]
            issued = self._make(reserved, pdf, seals, actor, deadline)
        except UnsafeToSeal as problem:
            self._give_up(reserved)
            raise refusal(problem.reason) from None
        except Exception:
            self._give_up(reserved)
            raise
        metrics.documents.labels("", signs[0].algorithm.name).inc()
        return issued

    def _give_up(self, reserved: Reservation) -> None:
        with suppress(SignerError):
            self._catalogue.cancel(reserved)

    def _make(
        self, reserved: Reservation, pdf: bytes, seals: Sequence[AuthorisedSeal], actor: Actor, deadline: Deadline
    ) -> IssuedDocument:
        before = self._strangers.inspect(pdf, timeout=deadline.remaining())
        seals = drawn_by_the_first(seals)
        if before.signatures and _draws_beside_its_field(seals[0]):
            raise RequestError(
                Reason.SEAL_INVALID,
                "the document is signed already: a further seal can be shown at one place, everything else would change it",
                "Give one box or one keyword, or no place at all.",
            )
        while True:
            issued_at = datetime.now(UTC)
            sealed = self._seal(pdf, seals, actor, issued_at, deadline)
            self._check(before, sealed.pdf, seals, deadline)
            try:
                return self._release(reserved, sealed, issued_at, seals)
            except BytesReleasedBefore:
                time.sleep(1.0 - issued_at.microsecond / 1_000_000)

    def _seal(
        self, pdf: bytes, seals: Sequence[AuthorisedSeal], actor: Actor, at: datetime, deadline: Deadline
    ) -> _Sealed:
        signed_sm3 = b""
        made: list[bytes] = []
        for item in seals:
            prepared = self._strangers.prepare(pdf, self._plan(item, at), timeout=deadline.remaining())
            made.append(self._sealing.content(prepared, item, actor, at, deadline))
            pdf = prepared.fill(made[-1])
            signed_sm3 = prepared.digest("sm3")
        profiles = {item.wish.profile for item in seals}
        if profiles & LONG_TERM:
            data = StrangerPlan(validation_data=self._sealing.validation_data(made))
            pdf = self._strangers.prepare(pdf, data, timeout=deadline.remaining()).data
        stamped: bytes | None = None
        if SealProfile.PADES_LTA in profiles:
            plan = StrangerPlan(SUBFILTER_TIMESTAMP.decode(), contents_reserve=TIMESTAMP_RESERVE)
            prepared = self._strangers.prepare(pdf, plan, timeout=deadline.remaining())
            stamped = self._sealing.token(prepared, seals[-1].sign, actor, deadline)
            pdf = prepared.fill(stamped)
        return _Sealed(pdf, signed_sm3, proof_end(made, stamped))

    def _plan(self, item: AuthorisedSeal, at: datetime) -> StrangerPlan:
        workshop, wish = self._sealing.workshop, item.wish
        kind, own = workshop.kind(wish.profile), workshop.picture(item.shown)
        beside = [(workshop.picture(shown), place) for shown, place in item.beside]
        pictures = list(dict.fromkeys([own, *(picture for picture, _ in beside)])) if item.places or beside else []
        return StrangerPlan(
            subfilter=kind.subfilter.decode(),
            handler=kind.handler.decode(),
            signer_name=workshop.config.company,
            reason=wish.reason,
            signed_at=at.replace(microsecond=0),
            contents_reserve=self._sealing.reserve(wish.profile),
            pictures=tuple(PlannedPicture.of(picture) for picture in pictures),
            places=tuple(item.places),
            beside=tuple((pictures.index(picture), place) for picture, place in beside),
        )

    def _check(self, before: InspectionReport, pdf: bytes, seals: Sequence[AuthorisedSeal], deadline: Deadline) -> None:
        """Nothing that the inspector does not call whole is released, and no signature that was right before is broken.

        Raises:
            RequestError: DOCUMENT_UNSAFE_TO_SEAL.
            ApplianceError: OWN_SIGNATURE_WRONG.
        """
        after = self._strangers.inspect(pdf, timeout=deadline.remaining())
        if before.integrity is Integrity.CHANGED:
            raise _unsafe("it was changed after somebody signed it", before.signatures)
        broken = [
            new
            for old, new in zip(before.signatures, after.signatures, strict=False)
            if old.mathematics_right and not new.mathematics_right
        ]
        if broken or len(after.signatures) < len(before.signatures) + len(seals):
            raise _unsafe("a further seal would break a signature that it holds", broken)
        ours = {item.sign.key.certificate_chain[0] for item in seals}
        own = [item for item in after.signatures if item.certificate in ours]
        if len(own) < len(seals) or not all(item.mathematics_right for item in own):
            raise ApplianceError(
                Reason.OWN_SIGNATURE_WRONG,
                f"the sealed document does not verify ({_codes(after.signatures, *after.findings)}); it was not released",
            )
        if after.integrity is not Integrity.WHOLE:
            raise _unsafe("sealed, it would not be judged whole", after.signatures, *after.findings)

    def _release(
        self, reserved: Reservation, sealed: _Sealed, issued_at: datetime, seals: Sequence[AuthorisedSeal]
    ) -> IssuedDocument:
        receipts = [receipt for seal in seals for receipt in seal.sign.receipts]
        document = ReleasedDocument(
            document_id=reserved.document_id,
            template="",
            number="",
            issued_at=issued_at,
            sm3=self._blobs.put(sealed.pdf, name=sm3.digest(sealed.pdf)),
            receipts=tuple(StoredReceipt(item.log_id, item.index, item.entry) for item in receipts),
        )
        self._catalogue.release(document, signed_sm3=sealed.signed_sm3, proof_ends_at=sealed.proof_ends_at)
        return IssuedDocument(document, sealed.pdf)


def _unsafe(why: str, signatures: Sequence[SignatureEvidence], *findings: Finding) -> RequestError:
    return RequestError(
        Reason.DOCUMENT_UNSAFE_TO_SEAL,
        f"the document is not sealed: {why} ({_codes(signatures, *findings)})",
        "Have it signed anew from its original, or print it into a new PDF and seal that.",
    )


def _codes(signatures: Sequence[SignatureEvidence], *findings: Finding) -> str:
    found = [item.code.value for signature in signatures for item in signature.findings]
    return ", ".join(dict.fromkeys([*found, *(item.code.value for item in findings)])) or "nothing was found"


def _draws_beside_its_field(seal: AuthorisedSeal) -> bool:
    return len(seal.places) > 1 or bool(seal.beside) or any(isinstance(place, CrossPagePlace) for place in seal.places)
