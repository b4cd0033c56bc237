"""Documents in the bench: every template, sealing alone, strangers' files, timestamps; ours and what it is compared with."""

from __future__ import annotations

import io
import itertools
import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.bench.work import open_connection, typesetter_in
from tests.bench.workload import Place

_VERIFICATION_URL = "https://verify.example.cn/v"
_numbers = itertools.count()


def templates() -> list[str]:
    """Every current template that clients are granted, with its version."""
    from policy_render.catalog import Catalog

    return [
        template.reference
        for template in Catalog.load().current()
        if not template.name.startswith(("evidence/", "drill/"))
    ]


def _fresh_data(reference: str) -> Callable[[], str]:
    """The template's sample, each time with another number."""
    from policy_render.catalog import Catalog

    template = Catalog.load().get(reference)
    data: dict[str, Any] = json.loads(template.sample_json)
    *path, last = template.number.removeprefix("/").split("/")

    def fresh() -> str:
        node = data
        for key in path:
            node = node[key]
        node[last] = f"BENCH{os.getpid()}{next(_numbers):012d}"
        return json.dumps(data, ensure_ascii=False)

    return fresh


def issue(reference: str) -> Callable[[Place, int], Callable[[], int]]:
    """IssueDocument of one template with the default seal, PAdES B."""
    return partial(_issue, reference)


def _issue(reference: str, place: Place, _thread: int) -> Callable[[], int]:
    from signer.v1 import document_pb2

    connection, fresh = open_connection(place), _fresh_data(reference)

    def step() -> int:
        request = document_pb2.IssueDocumentRequest(issue_id=str(uuid.uuid4()), template=reference, data_json=fresh())
        assert connection.call(connection.documents.IssueDocument, request).pdf
        return 1

    return step


def render(reference: str) -> Callable[[Place, int], Callable[[], int]]:
    """The same document by Typst, and nothing else."""
    return partial(_render, reference)


def _render(reference: str, place: Place, _thread: int) -> Callable[[], int]:
    typesetter, fresh = typesetter_in(place), _fresh_data(reference)

    def step() -> int:
        typesetter.render(reference, fresh(), draft=False, verification_url=_VERIFICATION_URL)
        return 1

    return step


def _rendered(place: Place) -> bytes:
    pdf, _ = typesetter_in(place).render(
        "policy/commercial@1",
        _fresh_data("policy/commercial@1")(),
        draft=False,
        verification_url=_VERIFICATION_URL,
    )
    rendered: bytes = pdf
    return rendered


def seal_alone(place: Place, _thread: int) -> Callable[[], int]:
    """Our embedder and our CMS, with an RSA key in memory: no token, no log, no RPC."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    from demo.strangers import stranger_signer
    from policy_render.seal_appearance import round_seal
    from signer.algorithms import SignatureAlgorithm
    from signer.cms.signed_data import Identifiers, SignedDataBuilder
    from signer.pades.embed import BoxPlace, prepare

    pdf, signer, appearance = _rendered(place), stranger_signer(), round_seal("示例财产保险", caption="专用章")
    assert signer.signing_cert is not None
    key: Any = load_der_private_key(signer.signing_key.dump(), None)
    builder = SignedDataBuilder.for_certificate(
        signer.signing_cert.dump(), (), SignatureAlgorithm.RSA_PKCS1_SHA256, identifiers=Identifiers.RFC_5652
    )

    def step() -> int:
        prepared = prepare(
            pdf,
            appearance=appearance,
            places=[BoxPlace(1, 150, 240, 40)],
            signer_name="示例财产保险",
            signed_at=datetime.now(UTC),
        )
        sign = partial(_sign, key, padding.PKCS1v15(), hashes.SHA256())
        prepared.fill(builder.build(prepared.digest("sha256"), sign, content=None))
        return 1

    return step


def _sign(key: Any, scheme: Any, digest: Any, message: bytes) -> bytes:
    signature: bytes = key.sign(message, scheme, digest)
    return signature


def pyhanko_seal(place: Place, _thread: int) -> Callable[[], int]:
    """pyHanko's one-shot signing of the same file with the same key, without a picture."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    from demo.strangers import stranger_signer

    pdf, signer = _rendered(place), stranger_signer()
    metadata = signers.PdfSignatureMetadata(
        field_name="S", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )

    def step() -> int:
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer)
        return 1

    return step


def strangers_file(place: Place) -> bytes:
    """A policy that pyHanko signed with a key that we don't know."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    from demo.strangers import stranger_signer

    metadata = signers.PdfSignatureMetadata(
        field_name="S", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    signed = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(_rendered(place))), metadata, stranger_signer())
    return bytes(signed.getvalue())


def verify_stranger(place: Place, _thread: int) -> Callable[[], int]:
    """VerifyDocument of a file that pyHanko signed: a process of its own for each."""
    from signer.v1 import document_pb2

    connection, pdf = open_connection(place), strangers_file(place)

    def step() -> int:
        request = document_pb2.VerifyDocumentRequest(pdf=pdf, omit_report=True)
        report = connection.call(connection.documents.VerifyDocument, request)
        assert report.integrity == document_pb2.INTEGRITY_WHOLE
        return 1

    return step


def pyhanko_stranger(place: Place, _thread: int) -> Callable[[], int]:
    """pyHanko's validation of the same file, in one process for all."""
    pdf = strangers_file(place)

    def step() -> int:
        validate_by_pyhanko(pdf)
        return 1

    return step


def validate_by_pyhanko(pdf: bytes) -> None:
    """The first signature of a file: mathematics, difference analysis, path."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    context = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    status = validate_pdf_signature(signature, signer_validation_context=context)
    assert status.intact
    assert status.valid


def timestamp(place: Place, _thread: int) -> Callable[[], int]:
    """Timestamp: a token for a digest, RSA."""
    from signer.cms.timestamp_token import timestamp_request
    from signer.v1 import timestamp_pb2

    connection = open_connection(place)

    def step() -> int:
        query = timestamp_request(os.urandom(32), int.from_bytes(os.urandom(7), "big") | 1)
        request = timestamp_pb2.TimestampRequest(request=query)
        assert len(connection.call(connection.timestamps.Timestamp, request).response) > 1_000
        return 1

    return step
