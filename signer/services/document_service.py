"""DocumentService: translates between the contract's messages and `signer.documents`."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC

import grpc
from google.rpc import status_pb2

from hsm.errors import HsmError
from policy_render.catalog import Template
from policy_render.errors import RenderError
from signer.algorithms import sm3
from signer.documents.issue import DocumentIssuer, IssuedDocument, IssueRequest
from signer.documents.renewal import Renewal
from signer.documents.report import ReportMaker
from signer.documents.seal import KeywordPlace, Place, SealProfile, SealWish
from signer.documents.stranger_sealing import StrangerSealing
from signer.documents.templates import TemplateDesk
from signer.documents.verify import DocumentReport, DocumentVerifier
from signer.errors import Reason, RequestError, SignerError
from signer.findings import FindingCode, finding
from signer.pades.embed import BoxPlace, CrossPagePlace
from signer.pades.evidence import SignatureEvidence
from signer.services.call import current_call
from signer.services.translation import findings_to_wire, page, receipt_to_wire, time_to_wire
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2
from signer.v1.document_pb2_grpc import DocumentServiceServicer

ToStatus = Callable[[Exception], status_pb2.Status]
# One stream may keep this many documents in the works; more would starve other callers of renderers.
_STREAM_CONCURRENCY = 4
_DEFAULT_LISTED = 100


class DocumentServicer(DocumentServiceServicer):
    """Answers the RPCs of DocumentService."""

    def __init__(
        self,
        *,
        templates: TemplateDesk,
        issuer: DocumentIssuer,
        strangers: StrangerSealing,
        renewal: Renewal,
        verifier: DocumentVerifier,
        reports: ReportMaker,
        to_status: ToStatus,
    ) -> None:
        self._templates = templates
        self._issuer = issuer
        self._strangers = strangers
        self._renewal = renewal
        self._verifier = verifier
        self._reports = reports
        self._to_status = to_status

    def ListTemplates(
        self, request: wire.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> wire.ListTemplatesResponse:
        """The templates that this client may use, current versions."""
        shown, token = page(self._templates.usable(current_call.get().actor), request.page_size, request.page_token)
        return wire.ListTemplatesResponse(templates=[_template(item) for item in shown], next_page_token=token)

    def GetTemplate(self, request: wire.GetTemplateRequest, context: grpc.ServicerContext) -> wire.Template:
        """One template with schema and sample."""
        return _template(self._templates.get(current_call.get().actor, request.template))

    def RenderDocument(
        self, request: wire.RenderDocumentRequest, context: grpc.ServicerContext
    ) -> wire.RenderDocumentResponse:
        """A draft, unsigned."""
        call = current_call.get()
        reference, pdf = self._templates.render_draft(call.actor, request.template, request.data_json, call.deadline)
        return wire.RenderDocumentResponse(pdf=pdf, template=reference)

    def SealDocument(
        self, request: wire.SealDocumentRequest, context: grpc.ServicerContext
    ) -> wire.SealDocumentResponse:
        """Seals a PDF that the caller brings."""
        call = current_call.get()
        wishes = tuple(_seal_wish(seal) for seal in request.seals)
        asked = IssueRequest(request.issue_id, "", sm3.digest(request.pdf).hex(), wishes)
        sealed = self._strangers.seal(call.actor, request.pdf, asked, call.deadline)
        return wire.SealDocumentResponse(
            pdf=sealed.pdf,
            document_id=sealed.document.document_id,
            receipts=[receipt_to_wire(item.log_id, item.index, item.entry) for item in sealed.document.receipts],
        )

    def IssueDocument(
        self, request: wire.IssueDocumentRequest, context: grpc.ServicerContext
    ) -> wire.IssueDocumentResponse:
        """Renders, seals and archives one document."""
        return self._issue(request)

    def IssueDocuments(
        self, request_iterator: Iterator[wire.IssueDocumentRequest], context: grpc.ServicerContext
    ) -> Iterator[wire.IssueDocumentResult]:
        """Any number of documents, a few at a time; answers come as they are ready."""
        answers: queue.Queue[wire.IssueDocumentResult | Exception | None] = queue.Queue()
        places = threading.Semaphore(_STREAM_CONCURRENCY * 2)
        carried = copy_context()

        def work(request: wire.IssueDocumentRequest) -> None:
            try:
                answers.put(self._result(request))
            finally:
                places.release()

        def feed() -> None:
            # Reads the next request only when there is a place for it, so that a fast sender is slowed by flow control.
            with ThreadPoolExecutor(_STREAM_CONCURRENCY, thread_name_prefix="issue") as pool:
                try:
                    for request in request_iterator:
                        places.acquire()
                        if not context.is_active():
                            break
                        pool.submit(carried.copy().run, work, request)
                except Exception as problem:  # noqa: BLE001 - handed to the stream's own thread, which answers it
                    answers.put(problem)
            answers.put(None)

        threading.Thread(target=feed, name="issue-stream", daemon=True).start()
        while (answer := answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def ExtendDocument(
        self, request: wire.ExtendDocumentRequest, context: grpc.ServicerContext
    ) -> wire.ExtendDocumentResponse:
        """A further archive timestamp."""
        call = current_call.get()
        extended = self._renewal.extend(call.actor, request.document_id, call.deadline)
        response = wire.ExtendDocumentResponse(
            document_id=extended.revision.document_id,
            revision=extended.revision.revision,
            pdf=b"" if request.omit_pdf else extended.pdf,
            sm3=extended.revision.sm3,
            receipts=[receipt_to_wire(item.log_id, item.index, item.entry) for item in extended.receipts],
        )
        if extended.revision.proof_ends_at is not None:
            response.proof_ends_at.CopyFrom(time_to_wire(extended.revision.proof_ends_at))
        return response

    def ListExpiringDocuments(
        self, request: wire.ListExpiringDocumentsRequest, context: grpc.ServicerContext
    ) -> wire.ListExpiringDocumentsResponse:
        """What wants to be extended."""
        before = request.before.ToDatetime(tzinfo=UTC)
        found = self._renewal.ending_before(before, request.limit or _DEFAULT_LISTED)
        return wire.ListExpiringDocumentsResponse(
            documents=[
                wire.ExpiringDocument(
                    document_id=item.document_id,
                    revision=item.revision,
                    proof_ends_at=None if item.proof_ends_at is None else time_to_wire(item.proof_ends_at),
                )
                for item in found
            ]
        )

    def VerifyDocument(
        self, request: wire.VerifyDocumentRequest, context: grpc.ServicerContext
    ) -> wire.VerifyDocumentResponse:
        """Is it whole, is it ours, is it in force?"""
        call = current_call.get()
        report = self._verifier.verify(request.pdf, call.deadline)
        title = "" if report.record is None else self._templates.title_of(report.record.template)
        response = _report(report, title)
        if not request.omit_report:
            response.report_cms = self._reports.make(call.actor, request.pdf, report, title, call.deadline)
            if not response.report_cms:
                response.findings.extend(findings_to_wire([finding(FindingCode.REPORT_UNSIGNED)]))
        return response

    def _result(self, request: wire.IssueDocumentRequest) -> wire.IssueDocumentResult:
        try:
            with current_call.get().turn():
                return wire.IssueDocumentResult(issue_id=request.issue_id, response=self._issue(request))
        except (SignerError, RenderError, HsmError) as problem:
            return wire.IssueDocumentResult(issue_id=request.issue_id, error=self._to_status(problem))
        except Exception as problem:  # noqa: BLE001 - one bad item must not end the others; to_status tells nothing of it
            return wire.IssueDocumentResult(issue_id=request.issue_id, error=self._to_status(problem))

    def _issue(self, request: wire.IssueDocumentRequest) -> wire.IssueDocumentResponse:
        call = current_call.get()
        issued = self._issuer.issue(call.actor, _issue_request(request), call.deadline)
        return _issue_response(issued, omit_pdf=request.omit_pdf)


def _issue_request(request: wire.IssueDocumentRequest) -> IssueRequest:
    which = request.WhichOneof("entitlement")
    if which == "unpaid_exception":
        raise RequestError(
            Reason.NOT_SUPPORTED, "issuing without payment is not supported yet", "Leave unpaid_exception out."
        )
    return IssueRequest(
        issue_id=request.issue_id,
        template=request.template,
        data_json=request.data_json,
        seals=tuple(_seal_wish(seal) for seal in request.seals),
        entitlement=f"proposal {request.proposal_id}" if which == "proposal_id" else "",
    )


def _seal_wish(seal: wire.Seal) -> SealWish:
    try:
        profile = SealProfile(seal.profile)
    except ValueError:
        raise RequestError(
            Reason.SEAL_INVALID, f"there is no seal profile {seal.profile}", "See Seal.Profile in document.proto."
        ) from None
    return SealWish(seal.key, profile, tuple(_place(place) for place in seal.places) or None, seal.reason)


def _place(place: wire.SealPlace) -> Place:
    which = place.WhichOneof("place")
    if which == "box":
        return BoxPlace(place.box.page, place.box.x_mm, place.box.y_mm, place.box.width_mm)
    if which == "keyword":
        keyword = place.keyword
        return KeywordPlace(keyword.text, keyword.dx_mm, keyword.dy_mm, keyword.width_mm, keyword.every)
    if which == "cross_page":
        return CrossPagePlace(place.cross_page.y_mm, place.cross_page.width_mm)
    raise RequestError(Reason.SEAL_INVALID, "a seal place is empty", "Give a box, a keyword or cross_page.")


def _template(item: Template) -> wire.Template:
    return wire.Template(
        template=item.reference, title_zh=item.title_zh, json_schema=item.json_schema, sample_json=item.sample_json
    )


def _issue_response(issued: IssuedDocument, *, omit_pdf: bool) -> wire.IssueDocumentResponse:
    document = issued.document
    return wire.IssueDocumentResponse(
        document_id=document.document_id,
        number=document.number,
        pdf=b"" if omit_pdf else issued.pdf,
        sm3=document.sm3,
        issued_at=time_to_wire(document.issued_at),
        receipts=[receipt_to_wire(item.log_id, item.index, item.entry) for item in document.receipts],
    )


def _report(report: DocumentReport, title_zh: str) -> wire.VerifyDocumentResponse:
    response = wire.VerifyDocumentResponse(
        integrity=wire.Integrity.Value(f"INTEGRITY_{report.integrity.value}"),
        origin=wire.Origin.Value(f"ORIGIN_{report.origin.value}"),
        findings=findings_to_wire(report.findings),
        signatures=[_signature(item) for item in report.signatures],
        summary_zh=report.summary_zh,
    )
    if report.contract_state is not None:
        response.contract_state = wire.ContractState.Value(f"CONTRACT_STATE_{report.contract_state.value}")
    if report.record is not None:
        response.issued.CopyFrom(
            wire.IssueRecord(
                document_id=report.record.document_id,
                number=report.record.number,
                template=report.record.template,
                issued_at=time_to_wire(report.record.issued_at),
                same_bytes=report.same_bytes,
                title_zh=title_zh,
            )
        )
    return response


def _signature(evidence: SignatureEvidence) -> wire.SignatureReport:
    report = wire.SignatureReport(
        verdict=types_pb2.Verdict.Value(f"VERDICT_{evidence.verdict.value}"),
        signer=evidence.signer,
        certificate=evidence.certificate,
        algorithm=types_pb2.SignatureAlgorithm.ValueType(int(evidence.algorithm)),
        covers_whole_file=evidence.covers_whole_file,
        profile=wire.Seal.Profile.Value(f"PROFILE_{evidence.profile.value}"),
        findings=findings_to_wire(evidence.findings),
    )
    if evidence.signed_at is not None:
        report.signed_at.CopyFrom(time_to_wire(evidence.signed_at))
    if evidence.proven_at is not None:
        report.proven_at.CopyFrom(time_to_wire(evidence.proven_at))
    return report
