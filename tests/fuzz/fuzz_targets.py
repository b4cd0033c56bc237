"""What fuzzers and the replay of their corpora do with one input. Only declared exceptions may leave the product.

An exception that leaves a function here is a finding. So is an answer that contradicts itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from signer.algorithms import sm3
from signer.certificates import TrustStore
from signer.cms.der import DerError
from signer.cms.electronic_seal_structure import read_electronic_seal, read_seal_signature
from signer.cms.electronic_seal_verify import verify_electronic_seal, verify_seal_signature
from signer.cms.signer_info import read_signed_data
from signer.cms.timestamp_token import TimestampError, verify_timestamp_response
from signer.cms.verify import verify_signed_data
from signer.errors import Reason, RequestError, VerificationError
from signer.pades.evidence import Integrity
from signer.pades.foreign import inspect_pdf
from signer.pades.inspection import InspectionReport
from signer.pades.pyhanko_reading import read_faster
from signer.pades.pyhanko_sm2 import register_names
from signer.pades.shape import ShapeMismatch, check_shape
from signer.pades.verify import SealVerifier
from tests.fuzz.signature_frame import framed

CONTENT = b"content of a fuzzed message"
_TRUST = TrustStore(())
_SUBFILTERS = (b"ETSI.CAdES.detached", b"ETSI.RFC3161", b"adbe.pkcs7.detached", b"GM.sm2cms.detached", b"GM.sm2seal")
_DECLARED = frozenset({Reason.CMS_MALFORMED, Reason.INPUT_AMBIGUOUS, Reason.INPUT_MISSING})

register_names()
read_faster()  # as the inspector does


def fuzz_verifier(data: bytes) -> None:
    """A file: the inspector's judgement, its report's way to the worker, and the gate of our own shape.

    Bytes that begin as DER does are tried as the signature of a small file.
    """
    if data[:1] == b"\x30":
        data = framed(data, subfilter=_SUBFILTERS[len(data) % len(_SUBFILTERS)])
    report = inspect_pdf(data, _TRUST)
    if InspectionReport.from_json(report.to_json(), data) != report:
        raise AssertionError("the report does not survive its way")
    if report.integrity is Integrity.WHOLE and not all(item.mathematics_right for item in report.signatures):
        raise AssertionError("whole without right mathematics")
    try:
        shape = check_shape(data)
    except ShapeMismatch:
        return
    if any(evidence.trusted for evidence in SealVerifier(_TRUST).verify_all(data, shape, datetime.now(UTC))):
        raise AssertionError("trusted without an anchor")


def fuzz_cms(data: bytes) -> None:
    """A CMS: as an attached message, detached over content, over a digest alone; and as an answer of a timestamp authority."""
    with suppress(DerError):
        read_signed_data(data)
    for given in ({}, {"detached_content": CONTENT}, {"detached_digest": sm3.digest(CONTENT)}):
        try:
            verify_signed_data(data, **given)
        except RequestError as problem:
            if problem.reason not in _DECLARED:
                raise
        except VerificationError:
            pass
    try:
        verify_timestamp_response(data, CONTENT, _TRUST)
    except TimestampError:
        return
    raise AssertionError("a timestamp of nobody's was taken")


def fuzz_seal(data: bytes) -> None:
    """An electronic seal, or a signature by one."""
    for read in (read_electronic_seal, read_seal_signature):
        with suppress(DerError):
            read(data)
    for verify in (verify_electronic_seal, lambda seal: verify_seal_signature(seal, sm3.digest(CONTENT))):
        with suppress(VerificationError):
            verify(data)


TARGETS: dict[str, Callable[[bytes], None]] = {"verifier": fuzz_verifier, "cms": fuzz_cms, "seal": fuzz_seal}
