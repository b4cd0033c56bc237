"""Tree heads timestamped by an outside authority (OpenSSL's), kept, and verified offline; a wrong answer is not kept (T13).

Threat: T25.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem

from signer.algorithms import SignMessage
from signer.app.log_timestamps import stamp_head, verify_stamped_heads
from signer.app.timestamp_client import ask_authority
from signer.audit.checkpoint import NoteKey
from signer.audit.tree import Tree
from signer.certificates import CertificateUsage, TrustStore, judge_path
from signer.cli.__main__ import main
from signer.cms.timestamp_token import TimestampError, timestamp_request, verify_timestamp_response
from signer.errors import ApplianceError, ConfigurationError, Reason, VerificationError
from tests.merkle_logs import log_beside_its_key, new_log_key, same_length_entries
from tests.timestamp_authority import OpensslAuthority


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("log.example")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    """Its files; each test that asks it starts it."""
    return OpensslAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def log(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> Path:
    return log_beside_its_key(tmp_path, key, same_length_entries(300))


def _trust(authority: OpensslAuthority) -> TrustStore:
    return TrustStore.from_files([authority.anchor])


def test_heads_are_stamped_kept_and_verified_offline(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tsa"
    folder.mkdir()
    arguments = ["--log", str(log), "--key", str(tmp_path / "log.pem")]
    with OpensslAuthority(folder) as authority:
        stamp = [*arguments, "--url", authority.url, "--timestamp-anchor", str(authority.anchor)]
        assert main(["audit", "timestamp", *stamp]) == 0
        tree = Tree(log, key[0])
        tree.open()
        tree.integrate(same_length_entries(20), key[1])
        assert main(["audit", "timestamp", *stamp, "--json"]) == 0
    assert sorted(file.name for file in (log / "timestamps").iterdir()) == [
        *("300.checkpoint", "300.tsr", "320.checkpoint", "320.tsr")
    ]
    judged = subprocess.run(  # OpenSSL's own opinion of what we keep
        [
            *("openssl", "ts", "-verify", "-data", log / "timestamps/300.checkpoint"),
            *("-in", log / "timestamps/300.tsr", "-CAfile", authority.anchor),
        ],
        check=False,
        capture_output=True,
    )
    assert judged.returncode == 0, judged.stderr
    verify = ["audit", "verify", *arguments, "--timestamps"]
    anchor = ["--timestamp-anchor", str(authority.anchor)]
    assert main([*verify, *anchor]) == 0
    assert "stamper" in capsys.readouterr().out
    assert main(verify) == 5
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    assert main([*verify, "--timestamp-anchor", str(OpensslAuthority(stranger).anchor)]) == 1
    assert "timestamp-wrong" in capsys.readouterr().out
    stamps = verify_stamped_heads(log, key[0], _trust(authority))
    assert [item.checkpoint.size for item in stamps] == [300, 320]
    assert all(abs(item.evidence.moment - datetime.now(UTC)) < timedelta(hours=1) for item in stamps)


def test_an_altered_timestamp_or_head_is_found(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage], authority: OpensslAuthority
) -> None:
    content = (log / "checkpoint").read_bytes()
    place = log / "timestamps"
    place.mkdir()
    response = authority.reply(timestamp_request(content, 5))
    (place / "300.checkpoint").write_bytes(content)
    file = place / "300.tsr"
    for position in range(3, len(response), 97):
        file.write_bytes(response[:position] + bytes((response[position] ^ 0x20,)) + response[position + 1 :])
        try:
            verify_stamped_heads(log, key[0], _trust(authority))
        except TimestampError:
            continue
        assert position < 60, (
            position
        )  # the status, and SignedData's own version and list of digests, which nobody signs
    file.write_bytes(response)
    assert len(verify_stamped_heads(log, key[0], _trust(authority))) == 1
    file.rename(place / "299.tsr")
    (place / "300.checkpoint").rename(place / "299.checkpoint")
    with pytest.raises(TimestampError, match="is of 300"):
        verify_stamped_heads(log, key[0], _trust(authority))
    (place / "299.checkpoint").unlink()
    with pytest.raises(TimestampError, match="can't be read"):
        verify_stamped_heads(log, key[0], _trust(authority))


def test_a_response_to_something_else_is_refused(tmp_path: Path, authority: OpensslAuthority) -> None:
    trust = _trust(authority)
    good = authority.reply(timestamp_request(b"content", 5))
    assert verify_timestamp_response(good, b"content", trust, nonce=5).policy == "1.2.3.4.1"
    for content, nonce, why in ((b"another", 5, "another content"), (b"content", 6, "another request")):
        with pytest.raises(TimestampError, match=why):
            verify_timestamp_response(good, content, trust, nonce=nonce)
    refused = authority.reply(timestamp_request(b"content", 5).replace(_sha256_oid(), _sha512_oid()))
    for response, why in (
        (refused, "did not grant"),
        (b"", "DER"),
        (b"\x30\x00", "not a TimeStampResp"),
        (good + b"x", "DER"),
    ):
        with pytest.raises(TimestampError, match=why):
            verify_timestamp_response(response, b"content", trust)


def _sha256_oid() -> bytes:
    return bytes.fromhex("0609608648016503040201")


def _sha512_oid() -> bytes:
    return bytes.fromhex("0609608648016503040203")


@pytest.mark.parametrize(
    ("purpose", "good"), [("timeStamping", True), ("timeStamping,clientAuth", False), ("clientAuth", False)]
)
def test_the_certificate_must_be_for_timestamps_alone(tmp_path: Path, purpose: str, good: bool) -> None:
    authority = OpensslAuthority(tmp_path, purpose=purpose, key=("ec", "ec_paramgen_curve:P-256"))
    _, _, leaf = pem.unarmor((tmp_path / "tsa.pem").read_bytes())
    now = datetime.now(UTC)
    if good:
        judge_path(leaf, [], _trust(authority), now, CertificateUsage.TIMESTAMPS)
        return
    with pytest.raises(VerificationError, match="timestamping alone"):
        judge_path(leaf, [], _trust(authority), now, CertificateUsage.TIMESTAMPS)


def _redirecting(authority: OpensslAuthority) -> None:
    authority.status = 302
    authority.headers["Location"] = authority.url


def _slow(authority: OpensslAuthority) -> None:
    authority.slow_seconds = 0.2


_HTTP_FAULTS: list[Callable[[OpensslAuthority], object]] = [
    lambda authority: setattr(authority, "status", 500),
    lambda authority: setattr(authority, "content_type", "text/html"),
    lambda authority: setattr(authority, "answer", bytes(64 * 1024 + 1)),
    _redirecting,
    _slow,
]


@pytest.mark.parametrize("fault", _HTTP_FAULTS)
def test_an_authority_that_misbehaves_costs_neither_time_nor_trust(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage], fault: Callable[[OpensslAuthority], object]
) -> None:
    folder = tmp_path / "tsa"
    folder.mkdir()
    with OpensslAuthority(folder) as authority:
        fault(authority)
        with pytest.raises(ApplianceError) as caught:
            stamp_head(log, key[0], authority.url, _trust(authority), seconds=2.0)
    assert caught.value.reason is Reason.TIMESTAMP_UNAVAILABLE
    assert authority.asked == 1  # a redirect is not followed
    assert not (log / "timestamps").exists()


def test_nobody_there_and_no_url() -> None:
    with pytest.raises(ApplianceError):
        ask_authority("http://127.0.0.1:1/", b"x", seconds=2)
    for url in ("ftp://x/", "http://", "x"):
        with pytest.raises(ConfigurationError):
            ask_authority(url, b"x", seconds=2)
    assert hashlib.sha256(b"c").digest() in timestamp_request(b"c", 1)
