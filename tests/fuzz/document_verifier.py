"""The real use case of verification over a real register, with the inspector's judgement made in this process for speed.

Nothing else differs from a worker: shape gate, seal verifier, issue register in SQLite, report on its way as JSON. The
pool itself has its tests in tests/unit/pades/test_inspector.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from signer.algorithms import sm3
from signer.archive.catalogue import Catalogue, ReleasedDocument, StoredReceipt
from signer.certificates import TrustStore
from signer.contracts import ContractRegister
from signer.database.database_config import DatabaseConfig
from signer.database.engine import Database
from signer.database.schema import upgrade_schema
from signer.documents.revocation_check import RevocationCheck
from signer.documents.verification_config import VerificationConfig
from signer.documents.verify import DocumentVerifier
from signer.pades.foreign import inspect_pdf
from signer.pades.inspection import InspectionReport
from signer.pades.inspector import Inspector, InspectorConfig
from signer.pades.shape import check_shape
from signer.pades.verify import SealVerifier
from tests.fuzz.sealed_documents import RSA, SM2, own_pki


class InProcessInspector(Inspector):
    """Stands in for the pool: the same judgement, without its process."""

    def __init__(self, trust: TrustStore) -> None:
        super().__init__(InspectorConfig(Path("/nowhere"), 60))
        self._trust = trust

    def inspect(self, pdf: bytes, *, timeout: float | None = None) -> InspectionReport:
        """Straight."""
        return InspectionReport.from_json(inspect_pdf(pdf, self._trust).to_json(), pdf)


def without_revocation(directory: Path) -> VerificationConfig:
    """As an appliance is that has neither lists nor hosts to ask."""
    return VerificationConfig(
        require=False,
        crl_directory=None,
        hosts=(),
        cache=directory / "cache",
        socket=directory / "fetch.sock",
        timeout=5,
        response_bytes=100_000,
    )


def document_verifier(directory: Path, trust: TrustStore, released: Iterable[bytes]) -> DocumentVerifier:
    """A verifier whose register holds those files of our shape."""
    database = Database.from_config(DatabaseConfig(f"sqlite:///{directory}/register.db"))
    upgrade_schema(database)
    catalogue = Catalogue(database, "test")
    for index, pdf in enumerate(released):
        name = f"document-{index}"
        catalogue.reserve(
            client="core", issue_id=name, request_digest=b"d" * 32, document_id=name, template="policy/commercial@1"
        )
        receipt = StoredReceipt("log", index, b"entry")
        document = ReleasedDocument(
            name, "policy/commercial@1", f"N{index}", datetime.now(UTC), sm3.digest(pdf), (receipt,)
        )
        catalogue.release(document, signed_sm3=check_shape(pdf).sm3_signed_and_whole(pdf)[0])
    return DocumentVerifier(
        seals=SealVerifier(trust),
        inspector=InProcessInspector(trust),
        catalogue=catalogue,
        contracts=ContractRegister(database),
        revocation=RevocationCheck.from_config(without_revocation(directory), trust),
        own_certificates=frozenset(own_pki(algorithm).certificate for algorithm in (RSA, SM2)),
    )
