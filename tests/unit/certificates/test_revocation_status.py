"""Revocation at the right time: a proven one counts, a claimed one doesn't; silence is never taken for good."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from signer.algorithms import SignatureAlgorithm
from signer.certificates import Certificate
from signer.certificates.ocsp import OcspResponse
from signer.certificates.revocation import RevocationList, RevocationLists
from signer.certificates.revocation_status import RevocationKnowledge
from signer.errors import VerificationError
from signer.findings import FindingCode
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.sealed_documents import RSA, SM2

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])
REVOKED, UNKNOWN = FindingCode.CERTIFICATE_REVOKED, FindingCode.REVOCATION_UNKNOWN


def _knows(*items: bytes) -> RevocationKnowledge:
    lists, responses = [], []
    for item in items:
        try:
            responses.append(OcspResponse.load(item))
        except Exception:  # noqa: BLE001 - then it is the other kind
            lists.append(RevocationList.load(item))
    return RevocationKnowledge(RevocationLists(tuple(lists)), tuple(responses))


def _outcome(
    knowledge: RevocationKnowledge, chain: tuple[Certificate, ...], proven_at: datetime | None = None
) -> str | datetime:
    try:
        return knowledge.check(chain, proven_at, NOW).known_at
    except VerificationError as problem:
        return problem.finding_code


@BOTH
def test_by_lists_and_by_responses(algorithm: SignatureAlgorithm) -> None:
    authority = Authority.new(algorithm)
    leaf = Certificate.load(authority.signer().certificate)
    chain = (leaf, Certificate.load(authority.certificate))
    since = NOW - 10 * DAY
    for good, revoked in (
        (authority.crl({}), authority.crl({leaf.der: since})),
        (authority.ocsp(leaf.der), authority.ocsp(leaf.der, revoked_at=since)),
    ):
        assert _outcome(_knows(good), chain) == NOW - DAY
        assert _outcome(_knows(revoked), chain) == REVOKED
        assert _outcome(_knows(good, revoked), chain) == REVOKED
        assert _outcome(_knows(revoked), chain, since + timedelta(seconds=1)) == REVOKED
        assert _outcome(_knows(revoked), chain, since) == REVOKED
        assert _outcome(_knows(revoked), chain, since - timedelta(seconds=1)) == NOW - DAY


def test_silence_is_not_good() -> None:
    authority, other = Authority.new(SM2), Authority.new(SM2)
    leaf = Certificate.load(authority.signer().certificate)
    chain = (leaf, Certificate.load(authority.certificate))
    began, ended = NOW - 9 * DAY, NOW - 8 * DAY
    for item in (
        authority.crl({}, this_update=began, next_update=ended),
        authority.ocsp(leaf.der, this_update=began, next_update=ended),
        authority.crl({}, this_update=NOW + DAY, next_update=NOW + 2 * DAY),
        authority.ocsp(leaf.der, unknown=True),
        other.crl({}),
        other.ocsp(leaf.der),
    ):
        assert _outcome(_knows(item), chain) == UNKNOWN
    assert _outcome(_knows(), chain) == UNKNOWN
    listed = authority.crl({leaf.der: NOW - 20 * DAY}, this_update=began, next_update=ended)
    assert _outcome(_knows(listed), chain) == REVOKED


def test_an_old_list_is_good_for_what_is_proven_to_be_as_old() -> None:
    authority = Authority.new(SM2)
    chain = (Certificate.load(authority.signer().certificate), Certificate.load(authority.certificate))
    then = authority.crl({}, this_update=NOW - 9 * DAY, next_update=NOW - 8 * DAY)
    assert _outcome(_knows(then), chain, NOW - 8 * DAY - timedelta(hours=1)) == NOW - 9 * DAY
    assert _outcome(_knows(then), chain, NOW - 20 * DAY) == NOW - 9 * DAY
    assert _outcome(_knows(then), chain, NOW - 7 * DAY) == UNKNOWN


def test_about_an_expired_certificate_later_lists_say_nothing() -> None:
    authority = Authority.new(RSA)
    expired = authority.signer(valid=(NOW - 50 * DAY, NOW - 5 * DAY))
    chain = (Certificate.load(expired.certificate), Certificate.load(authority.certificate))
    assert _outcome(_knows(authority.crl({})), chain, NOW - 20 * DAY) == UNKNOWN
    in_time = authority.crl({}, this_update=NOW - 6 * DAY, next_update=NOW + DAY)
    assert _outcome(_knows(in_time), chain, NOW - 20 * DAY) == NOW - 6 * DAY


def test_an_anchor_alone_needs_nothing() -> None:
    assert _outcome(_knows(), (Certificate.load(Authority.new(SM2).certificate),)) == NOW
