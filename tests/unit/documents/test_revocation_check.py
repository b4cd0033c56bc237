"""What the appliance adds about revocation: its own lists, fetched answers, and silence that is told or does not pass."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from isolation.frames import receive_frame, send_frame
from signer.algorithms import SignatureAlgorithm
from signer.app.revocation_fetch import answer
from signer.certificates import Certificate, TrustStore
from signer.certificates.revocation_cache import RevocationCache
from signer.documents.revocation_check import LOOK_EVERY_S, RevocationCheck
from signer.documents.verification_config import VerificationConfig
from signer.errors import ConfigurationError
from signer.findings import FindingCode, finding
from signer.pades.evidence import SignatureEvidence, SignatureProfile, Verdict
from tests.authority_server import authority_server
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.document_verifier import without_revocation
from tests.fuzz.sealed_documents import RSA, SM2, Pki

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])
NOT_CHECKED, UNKNOWN, REVOKED = (
    FindingCode.REVOCATION_NOT_CHECKED,
    FindingCode.REVOCATION_UNKNOWN,
    FindingCode.CERTIFICATE_REVOKED,
)


def _config(directory: Path, **changes: object) -> VerificationConfig:
    return replace(without_revocation(directory), **changes)  # type: ignore[arg-type] # tests name fields with values of their types


def _trust(authority: Authority) -> TrustStore:
    return TrustStore((Certificate.load(authority.certificate),))


def _evidence(pki: Pki, *codes: FindingCode) -> SignatureEvidence:
    return SignatureEvidence(
        verdict=Verdict.PASSED,
        signer="CN=x",
        certificate=pki.certificate,
        algorithm=pki.algorithm,
        signed_at=None,
        covers_whole_file=True,
        mathematics_right=True,
        trusted=True,
        profile=SignatureProfile.PADES_B,
        covered=None,
        signed_sm3=b"",
        findings=tuple(finding(code) for code in codes or (NOT_CHECKED,)),
        chain=(pki.certificate, *pki.chain),
    )


def _lists(directory: Path, *crls: bytes) -> Path:
    directory.mkdir(exist_ok=True)
    for number, crl in enumerate(crls):
        (directory / f"{number}.crl").write_bytes(crl)
    return directory


def _codes(evidence: SignatureEvidence) -> set[FindingCode]:
    return {item.code for item in evidence.findings}


def test_without_settings_nothing_is_checked_and_that_is_said(tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    evidence = _evidence(authority.signer())
    assert RevocationCheck.from_config(_config(tmp_path), _trust(authority)).apply([evidence]) == (evidence,)


@BOTH
def test_the_operators_lists_are_believed(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    authority = Authority.new(algorithm)
    good, bad = authority.signer("good"), authority.signer("bad")
    directory = _lists(tmp_path / "crl", authority.crl({bad.certificate: NOW - 10 * DAY}))
    check = RevocationCheck.from_config(_config(tmp_path, crl_directory=directory), _trust(authority))
    passed, revoked = check.apply([_evidence(good), _evidence(bad)])
    assert (passed.verdict, _codes(passed)) == (Verdict.PASSED, set())
    assert (revoked.verdict, revoked.trusted, _codes(revoked)) == (Verdict.INDETERMINATE, False, {REVOKED})
    assert revoked.mathematics_right
    (proven,) = check.apply([replace(_evidence(bad), proven_at=NOW - 11 * DAY)])
    assert (proven.verdict, _codes(proven)) == (Verdict.PASSED, set())
    (released,) = check.apply([_evidence(bad)], released_at=NOW - 11 * DAY)
    assert released.verdict is Verdict.PASSED


def test_silence_is_told_and_where_it_is_required_does_not_pass(tmp_path: Path) -> None:
    authority, other = Authority.new(SM2), Authority.new(SM2, "Other")
    directory = _lists(tmp_path / "crl", other.crl({}))
    for require, verdict in ((False, Verdict.PASSED), (True, Verdict.INDETERMINATE)):
        config = _config(tmp_path, crl_directory=directory, require=require)
        (judged,) = RevocationCheck.from_config(config, _trust(authority)).apply([_evidence(authority.signer())])
        assert (judged.verdict, judged.trusted, _codes(judged)) == (verdict, not require, {UNKNOWN})
    (judged,) = RevocationCheck.from_config(_config(tmp_path, require=True), _trust(authority)).apply(
        [_evidence(authority.signer())]
    )
    assert judged.verdict is Verdict.INDETERMINATE


def test_what_the_file_proved_itself_is_not_taken_back_by_silence(tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    evidence = _evidence(authority.signer(), FindingCode.VALIDATION_DATA_ADDED)
    check = RevocationCheck.from_config(_config(tmp_path, require=True), _trust(authority))
    assert check.apply([evidence]) == (evidence,)


def test_a_path_that_only_the_inspector_found_is_not_believed(tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    config = _config(tmp_path, require=True)
    (judged,) = RevocationCheck.from_config(config, _trust(Authority.new(SM2))).apply([_evidence(authority.signer())])
    assert (judged.verdict, _codes(judged)) == (Verdict.INDETERMINATE, {UNKNOWN})


def test_new_lists_are_read_and_broken_ones_leave_the_old(tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    pki = authority.signer()
    directory = _lists(tmp_path / "crl", authority.crl({}))
    check = RevocationCheck.from_config(_config(tmp_path, crl_directory=directory), _trust(authority))
    assert _codes(check.apply([_evidence(pki)])[0]) == set()
    (directory / "1.crl").write_bytes(b"no list")
    check._looked -= LOOK_EVERY_S
    assert _codes(check.apply([_evidence(pki)])[0]) == set()
    (directory / "1.crl").write_bytes(authority.crl({pki.certificate: NOW - DAY}))
    check._looked -= LOOK_EVERY_S
    assert _codes(check.apply([_evidence(pki)])[0]) == {REVOKED}


def test_new_lists_are_looked_for_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority.new(SM2)
    pki = authority.signer()
    directory = _lists(tmp_path / "crl", authority.crl({}))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    check = RevocationCheck.from_config(_config(tmp_path, crl_directory=directory), _trust(authority))
    (directory / "1.crl").write_bytes(authority.crl({pki.certificate: NOW - DAY}))
    assert _codes(check.apply([_evidence(pki)])[0]) == set()
    now += LOOK_EVERY_S
    assert _codes(check.apply([_evidence(pki)])[0]) == {REVOKED}


def test_a_directory_without_lists_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "crl").mkdir()
    with pytest.raises(ConfigurationError):
        RevocationCheck.from_config(_config(tmp_path, crl_directory=tmp_path / "crl"), _trust(Authority.new(SM2)))


@BOTH
def test_fetched_answers_are_believed(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    with authority_server() as server:
        authority = Authority.new(algorithm)
        pki = authority.signer(responder=server.address("/ocsp"))
        config = _config(tmp_path, hosts=(server.host,))
        cache = RevocationCache(tmp_path, config.hosts, config.timeout, config.response_bytes)
        server.pages["/ocsp"] = (200, authority.ocsp(pki.certificate, revoked_at=NOW - DAY, by=authority.responder()))
        check = RevocationCheck.from_config(config, _trust(authority))
        (unreachable,) = check.apply([_evidence(pki)])
        assert (unreachable.verdict, _codes(unreachable)) == (Verdict.PASSED, {UNKNOWN})
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(config.socket))
            listener.listen()

            def serve_one() -> None:
                connection, _ = listener.accept()
                with connection:
                    send_frame(connection, answer(cache, receive_frame(connection, limit=1 << 20)))

            serving = threading.Thread(target=serve_one)
            serving.start()
            (revoked,) = check.apply([_evidence(pki)])
            serving.join()
        assert (revoked.verdict, _codes(revoked)) == (Verdict.INDETERMINATE, {REVOKED})
        assert server.asked == ["POST /ocsp"]


@pytest.mark.parametrize("request_", [b"", b"[]", b"{}", b"[1]", b'["AA=="]', b"\xff", b"[" * 10_000])
def test_fetchers_survive_nonsense(request_: bytes, tmp_path: Path) -> None:
    assert answer(RevocationCache(tmp_path, ("x",), 1, 1), request_) in {b"{}", b'{"lists": [], "responses": []}'}
