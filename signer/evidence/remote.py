"""What evidence and drills ask of a running appliance, as a client asks it. Implemented over gRPC by `signer.app.remote_appliance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The appliance refused, or can't be reached. `status`: the gRPC status' name; `reason`: "" where the server gave none."""

    def __init__(self, status: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def told(self) -> str:
        """Status and reason, without the server's text."""
        return f"{self.status} {self.reason}".strip()


@dataclass(frozen=True)
class KeyFacts:
    """A key as ListKeys tells it. `certificate`: the leaf, DER; empty where the key has none."""

    key: str
    purpose: str
    state: str
    algorithms: tuple[str, ...]
    public_key: bytes
    certificate: bytes


@dataclass(frozen=True)
class SampleSignature:
    """A signature that was just made. `algorithm`: short name, e.g. SM2_SM3. `log_index`: of its entry."""

    key: str
    algorithm: str
    signature: bytes
    log_id: str
    log_index: int


@dataclass(frozen=True)
class IssuedPdf:
    """An issued document with its file."""

    document_id: str
    number: str
    pdf: bytes
    sm3: bytes


@dataclass(frozen=True)
class DocumentVerdict:
    """VerifyDocument's answers by their short names. `same_bytes`: the file is a released one, byte for byte."""

    integrity: str
    origin: str
    contract_state: str
    number: str
    template: str
    same_bytes: bool


class RemoteAppliance(Protocol):
    """Every method raises Refused; `timeout` is in seconds."""

    def list_keys(self) -> list[KeyFacts]:
        """All keys that the client may use."""
        ...

    def sign(self, key: str, message: bytes, *, timeout: float = 10.0) -> SampleSignature:
        """A signature by the key's default algorithm, once: not repeated where it is refused."""
        ...

    def sign_many(self, key: str, messages: list[bytes], *, timeout: float = 30.0) -> int:
        """Signs a batch; returns how many signatures were released."""
        ...

    def verify(self, sample: SampleSignature, message: bytes) -> str:
        """The verdict: PASSED, FAILED, INDETERMINATE."""
        ...

    def prove(self, log_id: str, index: int) -> int:
        """Has the entry's inclusion proven; returns the checkpoint's size. Refused (UNAVAILABLE) until one covers it."""
        ...

    def is_serving(self) -> bool:
        """What the health service answers; False also where nobody answers."""
        ...

    def issue(self, template: str, data_json: str, issue_id: str, reason: str) -> IssuedPdf:
        """An issued and sealed document."""
        ...

    def verify_document(self, pdf: bytes) -> DocumentVerdict:
        """验真."""
        ...
