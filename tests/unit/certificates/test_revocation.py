"""CRLs: read strictly, believed only with the issuer's signature, current or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signer.certificates import Certificate, RevocationLists
from signer.certificates.revocation import RevocationList
from signer.certificates.sm2_tls import Sm2TlsPair, make_crl, make_sm2_authority, make_sm2_client
from signer.errors import ConfigurationError, VerificationError
from signer.findings import FindingCode

DAY = timedelta(days=1)
NOW = datetime.now(UTC) + timedelta(
    hours=1
)  # taken at import: later than every list that a test makes, however slow the run


@pytest.fixture(scope="module")
def authority() -> Sm2TlsPair:
    return make_sm2_authority("authority")


def _chain(authority: Sm2TlsPair, leaf: Sm2TlsPair) -> tuple[Certificate, ...]:
    return (Certificate.load(leaf.certificate), Certificate.load(authority.certificate))


def _lists(*crls: bytes) -> RevocationLists:
    return RevocationLists(tuple(RevocationList.load(crl) for crl in crls))


def _finding(lists: RevocationLists, chain: tuple[Certificate, ...], at: datetime = NOW) -> str:
    with pytest.raises(VerificationError) as caught:
        lists.check(chain, at)
    return caught.value.finding_code


def test_what_is_not_listed_is_good_until_the_next_update(authority: Sm2TlsPair) -> None:
    leaf = make_sm2_client(authority, "c", "urn:x")
    lists = _lists(make_crl(authority, [leaf.serial + 1], number=1, valid=DAY, this_update=NOW))
    assert lists.check(_chain(authority, leaf), NOW) == (NOW + DAY).replace(microsecond=0)


def test_what_is_listed_is_revoked_and_stays_so(authority: Sm2TlsPair) -> None:
    leaf = make_sm2_client(authority, "c", "urn:x")
    listed = make_crl(authority, [leaf.serial], number=1, valid=DAY)
    chain = _chain(authority, leaf)
    assert _finding(_lists(listed), chain) == FindingCode.CERTIFICATE_REVOKED
    assert _finding(_lists(listed), chain, NOW + 10 * DAY) == FindingCode.CERTIFICATE_REVOKED
    later = make_crl(authority, [], number=2, valid=DAY)
    assert _finding(_lists(listed, later), chain) == FindingCode.CERTIFICATE_REVOKED


def test_a_list_that_is_not_current_says_nothing(authority: Sm2TlsPair) -> None:
    chain = _chain(authority, make_sm2_client(authority, "c", "urn:x"))
    lists = _lists(make_crl(authority, [], number=1, valid=DAY, this_update=NOW))
    for at in (NOW + 2 * DAY, NOW - DAY):
        assert _finding(lists, chain, at) == FindingCode.REVOCATION_NOT_CHECKED
    assert _finding(RevocationLists(()), chain) == FindingCode.REVOCATION_NOT_CHECKED


def test_a_list_of_somebody_else_says_nothing(authority: Sm2TlsPair) -> None:
    chain = _chain(authority, make_sm2_client(authority, "c", "urn:x"))
    same_name = make_sm2_authority("authority")
    for other in (same_name, make_sm2_authority("other")):
        assert _finding(_lists(make_crl(other, [], number=1, valid=DAY)), chain) == FindingCode.REVOCATION_NOT_CHECKED


@pytest.mark.parametrize("field", ["this_update", "next_update", "revoked_certificates"])
def test_a_changed_list_says_nothing(authority: Sm2TlsPair, field: str) -> None:
    leaf = make_sm2_client(authority, "c", "urn:x")
    whole = asn1_crl.CertificateList.load(make_crl(authority, [leaf.serial], number=1, valid=DAY))
    other = asn1_crl.CertificateList.load(
        make_crl(authority, [5], number=1, valid=2 * DAY, this_update=NOW - timedelta(hours=1))
    )
    whole["tbs_cert_list"][field] = other["tbs_cert_list"][field]
    assert _finding(_lists(whole.dump(force=True)), _chain(authority, leaf)) == FindingCode.REVOCATION_NOT_CHECKED


def test_an_older_number_takes_nothing_back(authority: Sm2TlsPair) -> None:
    leaf = make_sm2_client(authority, "c", "urn:x")
    first, second = (make_crl(authority, revoked, number=n, valid=DAY) for n, revoked in ((1, []), (2, [leaf.serial])))
    assert _finding(_lists(first).not_older_than(_lists(second)), _chain(authority, leaf)) == (
        FindingCode.CERTIFICATE_REVOKED
    )
    third = make_crl(authority, [], number=3, valid=DAY)
    assert _lists(third).not_older_than(_lists(second)).check(_chain(authority, leaf), NOW) > NOW


def test_the_intermediate_is_checked_too(authority: Sm2TlsPair) -> None:
    """A chain of three: the middle one's serial on the root's list."""
    middle, leaf = make_sm2_authority("middle"), make_sm2_client(authority, "c", "urn:x")
    chain = (Certificate.load(leaf.certificate), Certificate.load(middle.certificate), *_chain(authority, leaf)[1:])
    lists = _lists(make_crl(middle, [], number=1, valid=DAY), make_crl(authority, [middle.serial], number=1, valid=DAY))
    assert _finding(lists, chain) == FindingCode.CERTIFICATE_REVOKED


def _p256_crl(*extensions: x509.ExtensionType, entry: x509.ExtensionType | None = None) -> bytes:
    revoked = x509.RevokedCertificateBuilder().serial_number(5).revocation_date(NOW)
    if entry is not None:
        revoked = revoked.add_extension(entry, critical=True)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")]))
        .last_update(NOW)
        .next_update(NOW + DAY)
        .add_revoked_certificate(revoked.build())
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("der", "why"),
    [
        (b"", "strict DER"),
        (b"\x30\x00", "strict DER"),
        (_p256_crl(x509.DeltaCRLIndicator(1)), "not processed"),
        (
            _p256_crl(
                x509.IssuingDistributionPoint(
                    [x509.UniformResourceIdentifier("http://x")], None, False, False, None, False, False
                )
            ),
            "not processed",
        ),
        (
            _p256_crl(entry=x509.CertificateIssuer([x509.UniformResourceIdentifier("urn:x")])),
            "critical extension",
        ),
    ],
    ids=["empty", "nothing", "delta", "partial", "indirect"],
)
def test_lists_that_cant_be_judged_are_refused(der: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        RevocationList.load(der)


def test_a_directory_of_pem_and_der(authority: Sm2TlsPair, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no \*\.crl"):
        RevocationLists.from_directory(tmp_path)
    der = make_crl(authority, [], number=1, valid=DAY)
    (tmp_path / "a.crl").write_bytes(der)
    (tmp_path / "b.pem").write_bytes(pem.armor("X509 CRL", der))
    (tmp_path / "readme.txt").write_text("not a list")
    assert len(RevocationLists.from_directory(tmp_path).lists) == 2
    (tmp_path / "c.crl").write_bytes(der[:-1])
    with pytest.raises(ConfigurationError, match=r"c\.crl"):
        RevocationLists.from_directory(tmp_path)
