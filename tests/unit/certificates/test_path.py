"""The judgement of paths: every case with its finding, the memory, and limits on what a hostile sender can ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from signer.certificates import Certificate, CertificateUsage, PathEvidence, TrustStore, judge_path
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode
from tests.conformance.path_cases import CASES, FROM, NOW, TO, Case, authority, case, leaf, root


def _judge(given: Case, at: datetime | None = None, trust: TrustStore | None = None) -> PathEvidence:
    trust = trust or _trust(given)
    return judge_path(given.leaf, given.others, trust, at or given.at, CertificateUsage.SIGNATURE)


def _trust(given: Case) -> TrustStore:
    return TrustStore(tuple(Certificate.load(der) for der in given.anchors))


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_its_finding(name: str) -> None:
    given = case(name)
    if given.code is None:
        evidence = _judge(given)
        assert evidence.chain[0].der == given.leaf
        assert evidence.chain[-1].der in given.anchors
        assert (evidence.not_before, evidence.not_after) == (FROM, TO)
        return
    with pytest.raises(VerificationError) as caught:
        _judge(given)
    assert caught.value.finding_code == given.code
    assert caught.value.reason is Reason.PATH_NOT_TRUSTED


def test_the_chain_goes_from_the_leaf_to_the_anchor() -> None:
    given = case("three of P-256")
    assert tuple(item.der for item in _judge(given).chain) == (given.leaf, *given.others, *given.anchors)


def test_a_good_path_is_remembered_for_as_long_as_it_is_valid() -> None:
    given = case("three of P-256")
    trust = _trust(given)
    first = _judge(given, trust=trust)
    assert _judge(given, at=TO, trust=trust) is first
    for at, code in (
        (TO + timedelta(seconds=1), FindingCode.CERTIFICATE_EXPIRED),
        (FROM - timedelta(seconds=1), FindingCode.CERTIFICATE_NOT_YET_VALID),
    ):
        with pytest.raises(VerificationError) as caught:
            _judge(given, at=at, trust=trust)
        assert caught.value.finding_code == code


def test_what_is_remembered_belongs_to_its_anchors_and_helpers() -> None:
    given = case("three of P-256")
    trust = _trust(given)
    _judge(given, trust=trust)
    with pytest.raises(VerificationError):
        _judge(given, trust=_trust(case("three of SM2")))
    with pytest.raises(VerificationError):
        _judge(replace(given, others=()), trust=trust)


def test_a_bad_path_is_not_remembered() -> None:
    given = case("no intermediate")
    trust = _trust(given)
    for _ in range(2):
        with pytest.raises(VerificationError):
            _judge(given, trust=trust)
    assert not trust.judged


def test_the_memory_does_not_grow_for_ever() -> None:
    given = case("three of P-256")
    trust = _trust(given)
    for number in range(1_100):
        _judge(replace(given, others=(*given.others, number.to_bytes(4, "big"))), trust=trust)
    assert 0 < len(trust.judged) <= 1_024


def test_helpers_that_can_not_be_read_do_no_harm() -> None:
    given = case("three of SM2")
    _judge(replace(given, others=(b"", b"garbage", given.others[0][:-1], *given.others)))


def test_a_leaf_that_can_not_be_read_is_the_senders_fault() -> None:
    given = case("three of SM2")
    for der in (b"", b"garbage", given.leaf + b"\x00", given.leaf[:-1]):
        with pytest.raises(RequestError) as caught:
            _judge(replace(given, leaf=der))
        assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


def test_a_crowd_of_namesakes_is_given_up() -> None:
    """Thirty authorities of one name and key, each certified by each: the number of paths is astronomical."""
    key = ec.generate_private_key(ec.SECP256R1())
    crowd = [root("Namesake", key).issue(authority("Namesake"), key) for _ in range(30)]
    end = crowd[0].issue(leaf())
    given = Case(end.certificate, tuple(holder.certificate for holder in crowd), (root().certificate,))
    with pytest.raises(VerificationError) as caught:
        _judge(given)
    assert caught.value.finding_code == FindingCode.CERTIFICATE_PATH_INVALID
    assert "too many" in caught.value.message


def test_an_authority_key_identifier_chooses_among_namesakes() -> None:
    """RFC 5280, 4.2.1.1: without it, both keys would have to be tried."""
    right, wrong = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    holders = []
    for key in (wrong, right):
        draft = authority("Root")
        draft.extensions.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        holders.append(root("Root", key, draft))
    end = leaf()
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(right.public_key())
    end.extensions.append((identifier, False))
    given = Case(holders[1].issue(end).certificate, (), tuple(holder.certificate for holder in holders))
    assert _judge(given).chain[-1].der == holders[1].certificate
    with pytest.raises(VerificationError) as caught:
        _judge(replace(given, anchors=(holders[0].certificate,)))
    assert caught.value.finding_code == FindingCode.CERTIFICATE_PATH_NOT_FOUND


def test_nothing_was_judged_by_the_clock() -> None:
    """The cases lie in 2026; the judgement must ask for the given time, never for now."""
    assert abs(NOW - FROM) == timedelta(days=100)
    with pytest.raises(VerificationError):
        _judge(case("three of P-256"), at=NOW.replace(year=2036))
