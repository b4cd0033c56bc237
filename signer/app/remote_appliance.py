"""A running appliance as evidence and drills ask it (`signer.evidence.remote`), over `signer.client`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from signer.client import ClientProfile, Connection, RemoteError, RetryPolicy
from signer.evidence.remote import DocumentVerdict, IssuedPdf, KeyFacts, Refused, SampleSignature
from signer.v1 import audit_pb2, document_pb2, signing_pb2, types_pb2
from signer.v1.audit_pb2_grpc import AuditServiceStub

Response = TypeVar("Response")
_ALGORITHM_PREFIX = "SIGNATURE_ALGORITHM_"
_HEALTH_TIMEOUT_S = 3.0
_DOCUMENT_TIMEOUT_S = 120.0


class GrpcAppliance:
    """A `RemoteAppliance`; a context manager. Nothing is repeated but what has one effect: a drill wants the first answer."""

    def __init__(self, profile: ClientProfile) -> None:
        """Raises ProfileError."""
        self._connection = Connection(profile, retry=RetryPolicy(attempts=1))
        self._patient = Connection(profile, timeout=_DOCUMENT_TIMEOUT_S)
        self._audit = AuditServiceStub(self._connection.channel)

    def __enter__(self) -> GrpcAppliance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._patient.close()

    def list_keys(self) -> list[KeyFacts]:
        """See `RemoteAppliance`."""
        return [_key_facts(key) for key in _asked(self._patient.list_keys)]

    def sign(self, key: str, message: bytes, *, timeout: float = 10.0) -> SampleSignature:
        """See `RemoteAppliance`."""
        request = signing_pb2.SignRequest(key=key, message=message)
        answer = self._call(self._connection.signing.Sign, request, timeout)
        receipt = answer.receipt
        return SampleSignature(
            answer.key, _algorithm(answer.algorithm), answer.signature, receipt.log_id, receipt.index
        )

    def sign_many(self, key: str, messages: list[bytes], *, timeout: float = 30.0) -> int:
        """See `RemoteAppliance`."""
        requests = [signing_pb2.SignRequest(key=key, message=message) for message in messages]
        try:
            answer = self._call(
                self._connection.signing.SignBatch, signing_pb2.SignBatchRequest(requests=requests), timeout
            )
        except Refused as problem:
            if problem.status != "UNAVAILABLE":
                raise
            return 0
        return sum(result.WhichOneof("result") == "response" for result in answer.results)

    def verify(self, sample: SampleSignature, message: bytes) -> str:
        """See `RemoteAppliance`."""
        request = signing_pb2.VerifyRequest(
            algorithm=types_pb2.SignatureAlgorithm.Value(_ALGORITHM_PREFIX + sample.algorithm),
            key=sample.key,
            message=message,
            signature=sample.signature,
        )
        answer = self._call(self._connection.signing.Verify, request)
        return types_pb2.Verdict.Name(answer.verdict).removeprefix("VERDICT_")

    def prove(self, log_id: str, index: int) -> int:
        """See `RemoteAppliance`. The proof itself is verified from the log's files: `signer.audit.receipt`."""
        request = audit_pb2.GetReceiptRequest(log_id=log_id, index=index)
        receipt = self._call(self._audit.GetReceipt, request)
        return int(receipt.checkpoint.split("\n")[1])

    def is_serving(self) -> bool:
        """See `RemoteAppliance`."""
        stub: Any = health_pb2_grpc.HealthStub(self._connection.channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=_HEALTH_TIMEOUT_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def issue(self, template: str, data_json: str, issue_id: str, reason: str) -> IssuedPdf:
        """See `RemoteAppliance`."""
        request = document_pb2.IssueDocumentRequest(issue_id=issue_id, template=template, data_json=data_json)
        request.seals.add(reason=reason)
        answer = _asked(lambda: self._patient.call(self._patient.documents.IssueDocument, request))
        return IssuedPdf(answer.document_id, answer.number, answer.pdf, answer.sm3)

    def verify_document(self, pdf: bytes) -> DocumentVerdict:
        """See `RemoteAppliance`."""
        request = document_pb2.VerifyDocumentRequest(pdf=pdf, omit_report=True)
        report = _asked(lambda: self._patient.call(self._patient.documents.VerifyDocument, request))
        return DocumentVerdict(
            integrity=document_pb2.Integrity.Name(report.integrity).removeprefix("INTEGRITY_"),
            origin=document_pb2.Origin.Name(report.origin).removeprefix("ORIGIN_"),
            contract_state=document_pb2.ContractState.Name(report.contract_state).removeprefix("CONTRACT_STATE_"),
            number=report.issued.number,
            template=report.issued.template,
            same_bytes=report.issued.same_bytes,
        )

    def _call(self, method: Callable[..., Response], request: object, timeout: float | None = None) -> Response:
        return _asked(lambda: self._connection.call(method, request, timeout=timeout))


def _asked(call: Callable[[], Response]) -> Response:
    """The answer. Raises Refused."""
    try:
        return call()
    except RemoteError as problem:
        raise Refused(problem.status, problem.reason, problem.message) from None


def _key_facts(key: signing_pb2.KeyInfo) -> KeyFacts:
    return KeyFacts(
        key=key.key,
        purpose=key.purpose,
        state=key.state,
        algorithms=tuple(_algorithm(number) for number in key.algorithms),
        public_key=key.public_key,
        certificate=key.certificate_chain[0] if key.certificate_chain else b"",
    )


def _algorithm(number: types_pb2.SignatureAlgorithm.ValueType) -> str:
    return types_pb2.SignatureAlgorithm.Name(number).removeprefix(_ALGORITHM_PREFIX)
