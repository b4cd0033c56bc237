"""The client's part of the demo: a separate process that knows an address and a certificate, and checks every answer."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import time
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from demo.appliance import METRICS_OFFSET, PORTAL_OFFSET
from demo.strangers import stranger_pdf, strangers_agreement
from signer.client import Connection, RemoteError, load_profile
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from signer.v1 import types_pb2 as types

_BEIJING = timezone(timedelta(hours=8))
_SM2 = doc.Seal(key="seal-sm2", profile=doc.Seal.PROFILE_PADES_B)
_RSA = doc.Seal(key="seal-rsa", profile=doc.Seal.PROFILE_PADES_B)
_ARCHIVED = doc.Seal(key="seal-rsa", profile=doc.Seal.PROFILE_PADES_LTA)
_ELECTRONIC = doc.Seal(key="seal-sm2", profile=doc.Seal.PROFILE_GBT_38540)


class StepFailed(Exception):
    """A step showed something else than it should."""


def step(title: str, *lines: str) -> None:
    """Tells what a step showed."""
    print(f"\n▸ {title}")
    for line in lines:
        print(f"    {line}")


def expect(found: object, wanted: object, what: str) -> None:
    """Raises StepFailed unless both are equal."""
    if found != wanted:
        raise StepFailed(f"{what}: {found!r}, expected {wanted!r}")


def list_keys(connection: Connection) -> None:
    """Every key with purpose and default algorithm."""
    keys = connection.list_keys()
    wanted = [f"{use}-{family}@1" for use in ("message", "seal", "timestamp") for family in ("rsa", "sm2")]
    expect(sorted(key.key for key in keys), wanted, "the client's keys")
    rows = [f"{key.key:<14} {key.purpose:<10} {len(key.algorithms)} algorithm(s)" for key in keys]
    step("密钥 keys of this client, all inside the PKCS#11 token", *rows)


def sign_and_verify(connection: Connection, key: str, algorithm: str) -> None:
    """A signature, its verification, and a changed message that fails."""
    message = "电子保单签名演示".encode()
    number = types.SignatureAlgorithm.Value(f"SIGNATURE_ALGORITHM_{algorithm}")
    signed = connection.call(connection.signing.Sign, sig.SignRequest(key=key, algorithm=number, message=message))

    def verdict(content: bytes) -> str:
        request = sig.VerifyRequest(algorithm=number, key=key, message=content, signature=signed.signature)
        return types.Verdict.Name(connection.call(connection.signing.Verify, request).verdict)

    expect(verdict(message), "VERDICT_PASSED", "the signature")
    expect(verdict(message + b"."), "VERDICT_FAILED", "the signature over another message")
    step(
        f"签名验签 {algorithm} with {signed.key}",
        f"{len(signed.signature)}-byte signature, recorded as entry {signed.receipt.index} of log {signed.receipt.log_id}",
        "verified: PASSED; over a changed message: FAILED",
    )


def refuse_seal_key(connection: Connection) -> None:
    """A seal key can't be reached by Sign."""
    try:
        connection.call(connection.signing.Sign, sig.SignRequest(key="seal-sm2", message=b"x"))
    except RemoteError as problem:
        expect((problem.status, problem.reason), ("FAILED_PRECONDITION", "KEY_PURPOSE"), "the refusal")
        step("用途隔离 a seal key is refused for messages", str(problem))
        return
    raise StepFailed("a seal key signed a message")


def policy_data(connection: Connection) -> str:
    """The template's sample, in force from today."""
    template = connection.call(connection.documents.GetTemplate, doc.GetTemplateRequest(template="policy/commercial"))
    data: dict[str, Any] = json.loads(template.sample_json)
    today = datetime.now(UTC).astimezone(_BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    data["policy"]["confirmed_at"] = (today - timedelta(hours=8, minutes=17)).isoformat()
    data["period"] = {
        "begins_at": today.isoformat(),
        "ends_at": today.replace(year=today.year + 1, day=min(today.day, 28)).isoformat(),
    }
    return json.dumps(data, ensure_ascii=False)


def issue(connection: Connection, data: str, seals: list[doc.Seal], file: Path) -> bytes:
    """An issued, sealed policy in a file."""
    request = doc.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=data, seals=seals
    )
    issued = connection.call(connection.documents.IssueDocument, request, timeout=60)
    expect(hashlib.new("sm3", issued.pdf).digest(), issued.sm3, "the file's SM3")
    again = connection.call(connection.documents.IssueDocument, request, timeout=60)
    expect(again.pdf, issued.pdf, "the document for the same issue_id")
    file.write_bytes(issued.pdf)
    step(
        f"签发 commercial motor policy {issued.number}, sealed with {' and '.join(_told(seal) for seal in seals)}",
        f"{file}: PDF/A-3b, {len(issued.pdf):,} bytes, SM3 {issued.sm3.hex()[:16]}…",
        "the same request again gives the same bytes",
    )
    return issued.pdf


def _told(seal: doc.Seal) -> str:
    return f"{seal.key} ({doc.Seal.Profile.Name(seal.profile).removeprefix('PROFILE_')})"


def seal_stranger(connection: Connection, pdf: bytes, file: Path) -> bytes:
    """A PDF that somebody else signed, with our seal beside a text of it."""
    place = doc.SealPlace(keyword=doc.SealPlace.Keyword(text="Seal here", width_mm=38))
    request = doc.SealDocumentRequest(
        pdf=pdf, seals=[doc.Seal(key="seal-sm2", places=[place])], issue_id=str(uuid.uuid4())
    )
    sealed = connection.call(connection.documents.SealDocument, request, timeout=60).pdf
    expect(sealed[: len(pdf)], pdf, "what the stranger signed")
    file.write_bytes(sealed)
    step("盖章 the stranger's PDF gets our seal on a keyword", f"{file}: the stranger's signature stays as it was")
    return sealed


def verify(connection: Connection, pdf: bytes, title: str, integrity: str, origin: str) -> None:
    """验真 with the answer that it must give."""
    report = connection.call(connection.documents.VerifyDocument, doc.VerifyDocumentRequest(pdf=pdf), timeout=60)
    expect(doc.Integrity.Name(report.integrity), f"INTEGRITY_{integrity}", f"{title}: integrity")
    expect(doc.Origin.Name(report.origin), f"ORIGIN_{origin}", f"{title}: origin")
    if report.issued.template:
        expect(report.contract_state, doc.CONTRACT_STATE_IN_FORCE, f"{title}: contract")
    step(f"验真 {title}", f"{integrity}, {origin}: {report.summary_zh}")


def ask_portal(port: int, pdf: bytes, outcome: str) -> None:
    """The page for everybody, as a program asks it."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/verify", pdf, {"Content-Type": "application/pdf", "Accept": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the demo's own address
        told = json.load(answer)
    expect(told["outcome"], outcome, "the portal's answer")
    report = base64.b64decode(told["report_cms"])
    step(
        f"验真门户 http://127.0.0.1:{port}/verify",
        f"{told['headline']['zh']} {told['headline']['en']}",
        f"a signed report of {len(report):,} bytes comes with it",
    )


def fetch_metrics(port: int) -> None:
    """Monitoring's page."""
    time.sleep(0.5)  # workers write what they counted a few times a second
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    shown = [line for line in lines if line.startswith(("signer_signatures_total", "signer_verifications_total"))]
    if not shown:
        raise StepFailed("/metrics tells nothing of signatures")
    step(f"监控 http://127.0.0.1:{port}/metrics, {len(lines)} lines, among them", *shown)


def run(directory: Path, port: int) -> None:
    """All steps. Raises StepFailed or RemoteError."""
    with Connection(load_profile(directory / "clients" / "core" / "profile.toml")) as connection:
        list_keys(connection)
        sign_and_verify(connection, "message-sm2", "SM2_SM3")
        sign_and_verify(connection, "message-rsa", "RSA_PSS_SHA256")
        refuse_seal_key(connection)
        data = policy_data(connection)
        sm2 = issue(connection, data, [_SM2], directory / "policy-sm2.pdf")
        rsa = issue(connection, data, [_RSA], directory / "policy-rsa.pdf")
        both = issue(connection, data, [_ARCHIVED, _ELECTRONIC], directory / "policy-dual.pdf")
        verify(connection, sm2, "policy-sm2.pdf", "WHOLE", "ISSUED_HERE")
        verify(connection, rsa, "policy-rsa.pdf", "WHOLE", "ISSUED_HERE")
        verify(connection, both, "policy-dual.pdf", "WHOLE", "ISSUED_HERE")
        changed = bytearray(sm2)
        changed[len(changed) // 3] ^= 1
        verify(connection, bytes(changed), "the SM2 policy with one bit changed", "CHANGED", "UNKNOWN")
        verify(connection, rsa + b"%", "the RSA policy with one byte added", "CHANGED", "ISSUED_HERE")
        draft = connection.call(
            connection.documents.RenderDocument,
            doc.RenderDocumentRequest(template="policy/commercial", data_json=data),
        )
        verify(connection, stranger_pdf(draft.pdf), "a PDF that a stranger signed", "WHOLE", "UNKNOWN")
        agreement = stranger_pdf(strangers_agreement())
        sealed = seal_stranger(connection, agreement, directory / "stranger-sealed.pdf")
        verify(connection, sealed, "the stranger's PDF with our seal", "WHOLE", "ISSUED_HERE")
    ask_portal(port + PORTAL_OFFSET, sm2, "genuine")
    fetch_metrics(port + METRICS_OFFSET)


def main() -> int:
    """0 where every step showed what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    options = parser.parse_args()
    try:
        run(options.directory, options.port_base)
    except (StepFailed, RemoteError) as problem:
        print(f"\n  ✗ {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
