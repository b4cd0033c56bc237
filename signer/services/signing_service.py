"""SigningService: translates between the contract's messages and `signer.signing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import grpc
from google.rpc import status_pb2

from hsm.errors import HsmError
from monitoring import metrics
from signer.authz import Ask, Grants
from signer.errors import SignerError
from signer.keys import KeyVersion
from signer.keys.registry import KeyRegistry
from signer.services.call import current_call
from signer.services.translation import (
    algorithm_from_wire,
    findings_to_wire,
    page,
    receipt_to_wire,
    time_from_wire,
)
from signer.signing import (
    ReleasedSignature,
    SignatureVerifier,
    Signer,
    SigningRequest,
    VerificationRequest,
)
from signer.signing.message import MessageSigning
from signer.signing.signer import check_batch_size
from signer.v1 import signing_pb2 as wire
from signer.v1 import types_pb2
from signer.v1.signing_pb2_grpc import SigningServiceServicer

ToStatus = Callable[[Exception], status_pb2.Status]


class SigningServicer(SigningServiceServicer):
    """Answers the eight RPCs of SigningService."""

    def __init__(
        self,
        *,
        signer: Signer,
        messages: MessageSigning,
        verifier: SignatureVerifier,
        registry: KeyRegistry,
        grants: Grants,
        to_status: ToStatus,
    ) -> None:
        self._signer = signer
        self._messages = messages
        self._verifier = verifier
        self._registry = registry
        self._grants = grants
        self._to_status = to_status

    def Sign(self, request: wire.SignRequest, context: grpc.ServicerContext) -> wire.SignResponse:
        """One signature with a message key."""
        call = current_call.get()
        released = self._signer.sign(call.actor, _signing_request(request), call.deadline)
        return _sign_response(released, request.reference)

    def SignBatch(self, request: wire.SignBatchRequest, context: grpc.ServicerContext) -> wire.SignBatchResponse:
        """Up to 1,000 signatures; each answers for itself."""
        call = current_call.get()
        check_batch_size(len(request.requests))
        parsed: list[SigningRequest | SignerError] = [_parsed(item) for item in request.requests]
        good = [item for item in parsed if isinstance(item, SigningRequest)]
        signed = iter(self._signer.sign_batch(call.actor, good, call.deadline) if good else ())
        results: list[ReleasedSignature | SignerError | HsmError] = [
            next(signed) if isinstance(item, SigningRequest) else item for item in parsed
        ]
        return wire.SignBatchResponse(
            results=[
                wire.SignResult(response=_sign_response(result, item.reference))
                if isinstance(result, ReleasedSignature)
                else wire.SignResult(error=self._to_status(result))
                for item, result in zip(request.requests, results, strict=True)
            ]
        )

    def Verify(self, request: wire.VerifyRequest, context: grpc.ServicerContext) -> wire.VerifyResponse:
        """The verdict on one signature."""
        return self._verify(request)

    def VerifyBatch(self, request: wire.VerifyBatchRequest, context: grpc.ServicerContext) -> wire.VerifyBatchResponse:
        """Up to 1,000 verdicts; each answers for itself."""
        check_batch_size(len(request.requests))
        results = []
        for item in request.requests:
            current_call.get().deadline.remaining()
            try:
                results.append(wire.VerifyResult(response=self._verify(item)))
            except SignerError as problem:
                results.append(wire.VerifyResult(error=self._to_status(problem)))
        return wire.VerifyBatchResponse(results=results)

    def SignMessage(self, request: wire.SignMessageRequest, context: grpc.ServicerContext) -> wire.SignMessageResponse:
        """CMS SignedData over a message."""
        call = current_call.get()
        signed = self._messages.sign(
            call.actor,
            key=request.key,
            algorithm=algorithm_from_wire(request.algorithm),
            content=request.content,
            detached=request.detached,
            include_chain=request.include_chain,
            deadline=call.deadline,
        )
        return wire.SignMessageResponse(
            cms=signed.cms,
            key=signed.key.reference,
            receipt=receipt_to_wire(signed.receipt.log_id, signed.receipt.index, signed.receipt.entry),
        )

    def VerifyMessage(
        self, request: wire.VerifyMessageRequest, context: grpc.ServicerContext
    ) -> wire.VerifyMessageResponse:
        """The verdict on a CMS SignedData."""
        answer = self._verifier.verify_message(
            request.cms,
            request.content or None,
            time_from_wire(request.at) if request.HasField("at") else None,
        )
        metrics.verifications.labels("message", answer.verdict.value).inc()
        return wire.VerifyMessageResponse(
            verdict=types_pb2.Verdict.Value(f"VERDICT_{answer.verdict.value}"),
            findings=findings_to_wire(answer.findings),
            content=answer.content,
            signer_certificate=answer.signer_certificate,
        )

    def ListKeys(self, request: wire.ListKeysRequest, context: grpc.ServicerContext) -> wire.ListKeysResponse:
        """The keys that this client may use, every version."""
        usable = self._grants.usable_keys(current_call.get().actor.client)
        versions: Sequence[KeyVersion] = [version for version in self._registry.all() if version.name in usable]
        shown, next_token = page(versions, request.page_size, request.page_token)
        return wire.ListKeysResponse(keys=[_key_info(version) for version in shown], next_page_token=next_token)

    def _verify(self, request: wire.VerifyRequest) -> wire.VerifyResponse:
        verifier, given = request.WhichOneof("verifier"), request.WhichOneof("input")
        if verifier == "key":
            call = current_call.get()
            name = self._registry.resolve(request.key).name
            self._grants.authorise(call.actor, Ask(key=name))
        answer = self._verifier.verify(
            VerificationRequest(
                algorithm=algorithm_from_wire(request.algorithm),
                signature=request.signature,
                key=request.key if verifier == "key" else None,
                certificate=request.certificate if verifier == "certificate" else None,
                public_key=request.public_key if verifier == "public_key" else None,
                message=request.message if given == "message" else None,
                digest=request.digest if given == "digest" else None,
                sm2_id=request.sm2_id if request.HasField("sm2_id") else None,
                at=time_from_wire(request.at) if request.HasField("at") else None,
            )
        )
        metrics.verifications.labels("signature", answer.verdict.value).inc()
        return wire.VerifyResponse(
            verdict=types_pb2.Verdict.Value(f"VERDICT_{answer.verdict.value}"),
            findings=findings_to_wire(answer.findings),
        )


def _signing_request(request: wire.SignRequest) -> SigningRequest:
    given = request.WhichOneof("input")
    return SigningRequest(
        key=request.key,
        algorithm=algorithm_from_wire(request.algorithm),
        message=request.message if given == "message" else None,
        digest=request.digest if given == "digest" else None,
        sm2_id=request.sm2_id if request.HasField("sm2_id") else None,
    )


def _parsed(request: wire.SignRequest) -> SigningRequest | SignerError:
    try:
        return _signing_request(request)
    except SignerError as problem:
        return problem


def _sign_response(released: ReleasedSignature, reference: str) -> wire.SignResponse:
    chain = released.key.certificate_chain
    receipt = released.receipt
    return wire.SignResponse(
        signature=released.signature,
        key=released.key.reference,
        algorithm=types_pb2.SignatureAlgorithm.ValueType(released.algorithm.value),
        certificate=chain[0] if chain else b"",
        receipt=receipt_to_wire(receipt.log_id, receipt.index, receipt.entry),
        reference=reference,
    )


def _key_info(version: KeyVersion) -> wire.KeyInfo:
    return wire.KeyInfo(
        key=version.reference,
        purpose=version.purpose.value,
        algorithms=[types_pb2.SignatureAlgorithm.ValueType(item.value) for item in version.algorithms],
        public_key=version.public_key,
        certificate_chain=version.certificate_chain,
        state=version.state.value,
    )
