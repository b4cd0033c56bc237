"""Issuing a document: data in, sealed and archived PDF/A out, once for each issue_id.

The order that a crash can't split is in `signer.archive.catalogue`. Not for rendering, sealing or storing themselves.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from monitoring import metrics
from policy_render.catalog import Catalog, Template
from policy_render.data_schema import DocumentData, check_data
from policy_render.renderer import Renderer
from signer.algorithms import sm3
from signer.archive.blobs import BlobDirectory
from signer.archive.catalogue import BytesReleasedBefore, Catalogue, ReleasedDocument, Reservation, StoredReceipt
from signer.authz import Actor
from signer.contracts import ContractRegister, ContractTerm
from signer.deadline import Deadline
from signer.documents.keyword_places import PlaceFinder
from signer.documents.seal import SealWish, Shown, choose_seals
from signer.documents.sealing import AuthorisedSeal, SealedDocument, Sealing
from signer.errors import Reason, RequestError, SignerError
from signer.pades.embed import BoxPlace
from signer.signing import DocumentSigner, Signer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IssueRequest:
    """What a client asks to be issued. `entitlement`: what entitles the policy to be issued; kept with the request."""

    issue_id: str
    template: str
    data_json: str
    seals: tuple[SealWish, ...] = ()
    entitlement: str = ""

    def digest(self) -> bytes:
        """SM3 over everything that makes the request this one; two requests are the same where it is equal."""
        parts = [self.template, self.data_json, self.entitlement, repr(self.seals)]
        return sm3.digest(json.dumps(parts, ensure_ascii=False).encode())


@dataclass(frozen=True)
class IssuedDocument:
    """A released document with its file."""

    document: ReleasedDocument
    pdf: bytes


class DocumentIssuer:
    """Issues documents."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        renderer: Renderer,
        signer: Signer,
        sealing: Sealing,
        places: PlaceFinder,
        blobs: BlobDirectory,
        catalogue: Catalogue,
    ) -> None:
        self._catalog = catalog
        self._renderer = renderer
        self._signer = signer
        self._sealing = sealing
        self._places = places
        self._blobs = blobs
        self._catalogue = catalogue

    def issue(self, actor: Actor, request: IssueRequest, deadline: Deadline) -> IssuedDocument:
        """Renders, seals, archives and releases; the same request again gives the first document, authorised anew.

        Raises:
            RequestError, AccessError, RenderError: what is asked can't be or may not be done; nothing was kept.
            HsmError, ApplianceError: token, log, database or storage stopped it; nothing was released.
        """
        check_issue_id(request.issue_id)
        template = self._catalog.get(request.template)
        wishes = choose_seals(request.seals, self._sealing.workshop.config)
        for wish in wishes:
            self._sealing.check_profile(wish.profile)
        signs = [
            self._signer.document_signer(actor, wish.key, deadline, template=template.name, profile=wish.profile.name)
            for wish in wishes
        ]
        data = check_data(template, request.data_json)
        reserved = self._catalogue.reserve(
            client=actor.client,
            issue_id=request.issue_id,
            request_digest=request.digest(),
            document_id=secrets.token_hex(16),
            template=template.reference,
        )
        if isinstance(reserved, ReleasedDocument):
            return IssuedDocument(reserved, self._blobs.get(reserved.sm3))
        try:
            with metrics.document_seconds.labels(template.reference).time():
                issued = self._make(reserved, template, data, list(zip(wishes, signs, strict=True)), actor, deadline)
        except Exception:
            # The reservation would keep the caller from trying again; if the database is what failed, it lapses by itself.
            with suppress(SignerError):
                self._catalogue.cancel(reserved)
            raise
        metrics.documents.labels(template.reference, signs[0].algorithm.name).inc()
        return issued

    def _make(
        self,
        reserved: Reservation,
        template: Template,
        data: DocumentData,
        wishes: list[tuple[SealWish, DocumentSigner]],
        actor: Actor,
        deadline: Deadline,
    ) -> IssuedDocument:
        rendered = self._renderer.render(template, data, draft=False, timeout=deadline.remaining())
        picture = self._sealing.workshop.picture
        seals = [
            AuthorisedSeal(
                _with_reason(wish, template),
                self._places.resolve(
                    rendered.pdf,
                    wish.places,
                    _template_places(
                        template, rendered.pages, picture(Shown(sign.key.name, wish.profile)).height_to_width
                    ),
                    deadline,
                ),
                sign,
            )
            for wish, sign in wishes
        ]
        while True:
            issued_at = datetime.now(UTC)
            sealed = self._sealing.seal(rendered.pdf, seals, actor, issued_at, deadline)
            try:
                return self._release(reserved, template, data, sealed, issued_at, seals)
            except BytesReleasedBefore:
                # The register finds a document by its bytes: this one gets its own, with a signing time of its own.
                time.sleep(1.0 - issued_at.microsecond / 1_000_000)

    def _release(
        self,
        reserved: Reservation,
        template: Template,
        data: DocumentData,
        sealed: SealedDocument,
        issued_at: datetime,
        seals: list[AuthorisedSeal],
    ) -> IssuedDocument:
        receipts = [receipt for seal in seals for receipt in seal.sign.receipts]
        document = ReleasedDocument(
            document_id=reserved.document_id,
            template=template.reference,
            number=data.number,
            issued_at=issued_at,
            sm3=self._blobs.put(sealed.pdf, name=sealed.sm3),
            receipts=tuple(StoredReceipt(item.log_id, item.index, item.entry) for item in receipts),
        )
        self._catalogue.release(
            document,
            signed_sm3=sealed.signed_sm3,
            proof_ends_at=sealed.proof_ends_at,
            together_with=_contract_steps(document.document_id, data),
        )
        return IssuedDocument(document, sealed.pdf)


def _with_reason(wish: SealWish, template: Template) -> SealWish:
    """What stands in the signature where the request says nothing."""
    return replace(wish, reason=wish.reason or f"签发{template.title_zh}")


def _contract_steps(document_id: str, data: DocumentData) -> list[Callable[[Connection], None]]:
    """What makes the document speak for its contract; nothing for one that has no term."""
    if data.begins_at is None or data.ends_at is None:
        return []
    term = ContractTerm(data.number, data.begins_at, data.ends_at)
    return [lambda connection: ContractRegister.record(connection, document_id, term)]


def _template_places(template: Template, pages: int, height_to_width: float) -> list[BoxPlace]:
    """The seal places of a template, which has room for a round seal: a picture that is higher than wide gets narrower.

    Pages count from 1, or from the end where negative.
    """
    return [
        BoxPlace(
            place.page if place.page > 0 else pages + 1 + place.page,
            place.x_mm,
            place.y_mm,
            place.width_mm / max(1.0, height_to_width),
        )
        for place in template.seal_places
    ]


def check_issue_id(issue_id: str) -> None:
    """Raises RequestError (ISSUE_ID_INVALID)."""
    if not 1 <= len(issue_id) <= 128 or not issue_id.isprintable():
        raise RequestError(
            Reason.ISSUE_ID_INVALID,
            "issue_id must have 1 to 128 printable characters",
            "Take an id of your own that is unique to this document, e.g. a UUID.",
        )
