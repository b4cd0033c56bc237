"""The pieces of work that are measured: ours over gRPC, and the references beside it. Each takes fresh input at every step."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from signer.algorithms import SignatureAlgorithm
from tests.bench.workload import Place

_ALGORITHMS = {
    "sm2": SignatureAlgorithm.SM2_SM3,
    "rsa2048": SignatureAlgorithm.RSA_PKCS1_SHA256,
    "timestamp": SignatureAlgorithm.RSA_PKCS1_SHA256,
}
_KEYS = {"sm2": "message-sm2", "rsa2048": "message-rsa", "timestamp": "timestamp-rsa"}


def open_connection(place: Place) -> Any:
    from signer.client import Connection, load_profile

    profile = load_profile(place.directory / "clients" / "core" / "profile.toml")
    return Connection(profile.at(f"127.0.0.1:{place.port}"), timeout=60)


# ---- signatures


def sign_batch(kind: str) -> Callable[[Place, int], Callable[[], int]]:
    """SignBatch of 100."""
    return partial(_sign_batch, kind)


def _sign_batch(kind: str, place: Place, _thread: int) -> Callable[[], int]:
    from signer.v1 import signing_pb2

    connection = open_connection(place)

    def step() -> int:
        requests = [signing_pb2.SignRequest(key=_KEYS[kind], message=os.urandom(32)) for _ in range(100)]
        answer = connection.call(connection.signing.SignBatch, signing_pb2.SignBatchRequest(requests=requests))
        assert all(result.HasField("response") for result in answer.results)
        return 100

    return step


def sign_unary(kind: str) -> Callable[[Place, int], Callable[[], int]]:
    """Sign, one by one. Against the null server the same calls measure the RPC alone."""
    return partial(_sign_unary, kind)


def _sign_unary(kind: str, place: Place, _thread: int) -> Callable[[], int]:
    from signer.v1 import signing_pb2

    connection = open_connection(place)

    def step() -> int:
        request = signing_pb2.SignRequest(key=_KEYS[kind], message=os.urandom(32))
        assert connection.call(connection.signing.Sign, request).signature
        return 1

    return step


def bare(kind: str) -> Callable[[Place, int], Callable[[], int]]:
    """C_Sign in the same token plus one software verification: what no signing server can beat."""
    return partial(_bare, kind)


_leases: list[Any] = []  # kept: a session is closed with its lease


def _bare(kind: str, place: Place, _thread: int) -> Callable[[], int]:
    from hsm.token import Pkcs11Token, _private_key
    from signer.algorithms import load_public_key, sm2
    from signer.config import load_config
    from signer.database.engine import Database
    from signer.keys.registry import load_registry
    from signer.signing.mechanism import token_mechanism

    config = load_config(place.directory / "signer.toml")
    token = Pkcs11Token.from_config(config.token)
    version = load_registry(Database.from_config(config.database)).resolve(_KEYS[kind])
    algorithm = _ALGORITHMS[kind]
    public_key = load_public_key(version.public_key)
    _leases.append(token._pool.lease(10))
    key = _private_key(_leases[-1].__enter__(), version.key_id)
    mechanism, parameter = token._calls[token_mechanism(algorithm)]
    prefix = b"" if kind == "sm2" else bytes.fromhex("3031300d060960864801650304020105000420")

    def step() -> int:
        digest = hashlib.sha256(os.urandom(32)).digest()
        raw = key.sign(prefix + digest, mechanism=mechanism, mechanism_param=parameter)
        signature = sm2.encode_signature(raw) if kind == "sm2" else raw
        public_key.verify_digest(algorithm, digest, signature)
        return 1

    return step


# ---- documents

_numbers = itertools.count()


def _sample() -> dict[str, Any]:
    from policy_render.catalog import Catalog

    data: dict[str, Any] = json.loads(Catalog.load().get("policy/commercial").sample_json)
    return data


def _fresh(data: dict[str, Any]) -> str:
    data["policy"]["number"] = f"PDZA{os.getpid()}{next(_numbers):012d}"
    return json.dumps(data, ensure_ascii=False)


def issue_document(place: Place, _thread: int) -> Callable[[], int]:
    """IssueDocument with SM2."""
    from signer.v1 import document_pb2

    connection, data = open_connection(place), _sample()

    def step() -> int:
        request = document_pb2.IssueDocumentRequest(
            issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=_fresh(data)
        )
        assert connection.call(connection.documents.IssueDocument, request).pdf
        return 1

    return step


def typesetter_in(place: Place) -> Any:
    from policy_render.catalog import Catalog
    from policy_render.fonts import Fonts
    from policy_render.renderer_process import Typesetter

    os.environ["RAYON_NUM_THREADS"] = "1"
    return Typesetter(Catalog.load(), Fonts.load(), place.directory / "run" / "fonts")


def typst_alone(place: Place, _thread: int) -> Callable[[], int]:
    """The same document by Typst, and nothing else."""
    typesetter, data = typesetter_in(place), _sample()

    def step() -> int:
        typesetter.render(
            "policy/commercial@1", _fresh(data), draft=False, verification_url="https://verify.example.cn/v"
        )
        return 1

    return step


def typst_and_pyhanko(place: Place, _thread: int) -> Callable[[], int]:
    """Typst, then pyHanko's one-shot signing with an RSA key in memory and no picture: no token, no archive, no log."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    from demo.strangers import stranger_signer

    typesetter, data, signer = typesetter_in(place), _sample(), stranger_signer()
    metadata = signers.PdfSignatureMetadata(
        field_name="S", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )

    def step() -> int:
        pdf, _ = typesetter.render(
            "policy/commercial@1", _fresh(data), draft=False, verification_url="https://verify.example.cn/v"
        )
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer)
        return 1

    return step


def issued_files(place: Place, count: int) -> list[bytes]:
    """Policies of the appliance, sealed with RSA."""
    from signer.v1 import document_pb2

    connection, data = open_connection(place), _sample()
    files = []
    for _ in range(count):
        request = document_pb2.IssueDocumentRequest(
            issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=_fresh(data)
        )
        request.seals.add(key="seal-rsa")  # pyHanko alone can't judge SM2
        files.append(connection.call(connection.documents.IssueDocument, request).pdf)
    return files


def verify_document(place: Place, _thread: int) -> Callable[[], int]:
    """VerifyDocument of files that were issued here, by all of its steps; no report is signed, as the other side signs none."""
    from signer.v1 import document_pb2

    connection, files = open_connection(place), itertools.cycle(issued_files(place, 4))

    def step() -> int:
        request = document_pb2.VerifyDocumentRequest(pdf=next(files), omit_report=True)
        report = connection.call(connection.documents.VerifyDocument, request)
        assert report.integrity == document_pb2.INTEGRITY_WHOLE
        return 1

    return step


def pyhanko_validation(place: Place, _thread: int) -> Callable[[], int]:
    """pyHanko's validation of the same files: mathematics, difference analysis, path; no register, no RPC."""
    from asn1crypto import pem, x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    files = itertools.cycle(issued_files(place, 4))
    root = x509.Certificate.load(pem.unarmor((place.directory / "trust" / "ca-rsa.pem").read_bytes())[2])

    def step() -> int:
        reader = PdfFileReader(io.BytesIO(next(files)))
        context = ValidationContext(trust_roots=[root], allow_fetching=False)
        status = validate_pdf_signature(reader.embedded_signatures[0], signer_validation_context=context)
        assert status.bottom_line
        return 1

    return step
