"""SM2 certificates and CRLs for the public listener's TLS (RFC 8998): authority, server, clients. Keys are PEM files.

For the demo appliance, the start-up self-test and tests; in production certificates come from a licensed authority. All are
signed with the ID 1234567812345678 (GB/T 35276, RFC 8998 3.2.1), or others refuse them. Not for signatures on documents.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import pem, x509

from signer.algorithms import SignatureAlgorithm
from signer.algorithms.sm2_software_key import Sm2SoftwareKey
from signer.certificates.issue import (
    CertificateFacts,
    CertificateKind,
    Issuer,
    issue_certificate,
)
from signer.certificates.issue_revocation_list import RevocationFacts, issue_revocation_list

VALID = timedelta(days=825)
AUTHORITY_VALID = timedelta(days=3650)
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Sm2TlsPair:
    """A certificate (DER) and its key."""

    certificate: bytes
    key: Sm2SoftwareKey

    @property
    def certificate_pem(self) -> bytes:
        """PEM."""
        text: bytes = pem.armor("CERTIFICATE", self.certificate)
        return text

    @property
    def serial(self) -> int:
        """For a CRL."""
        number: int = x509.Certificate.load(self.certificate).serial_number
        return number

    @property
    def issuer(self) -> Issuer:
        """This pair as an authority."""
        return Issuer(self.certificate, SignatureAlgorithm.SM2_SM3, self.key.sign)


def make_sm2_authority(name: str, *, valid: timedelta = AUTHORITY_VALID) -> Sm2TlsPair:
    """A self-signed authority."""
    key = Sm2SoftwareKey.generate()
    issuer = Issuer(None, SignatureAlgorithm.SM2_SM3, key.sign)
    return _issue(issuer, key, name, CertificateKind.AUTHORITY, (), valid)


def make_sm2_server(authority: Sm2TlsPair, host: str, *, valid: timedelta = VALID) -> Sm2TlsPair:
    """A server certificate for an address and for localhost."""
    return _issue(
        authority.issuer,
        Sm2SoftwareKey.generate(),
        "signer",
        CertificateKind.TLS_SERVER,
        (("dns", "localhost"), (_kind_of_host(host), host)),
        valid,
    )


def make_sm2_client(
    authority: Sm2TlsPair, name: str, uri: str, *, valid: timedelta = VALID, sm2_id: bytes | None = None
) -> Sm2TlsPair:
    """A client certificate that names its holder by a URI. `sm2_id`: another ID, for certificates that must be refused."""
    key = Sm2SoftwareKey.generate()
    issuer = Issuer(
        authority.certificate, SignatureAlgorithm.SM2_SM3, lambda message: authority.key.sign(message, sm2_id=sm2_id)
    )
    return _issue(issuer, key, name, CertificateKind.TLS_CLIENT, (("uri", uri),), valid)


def make_crl(
    authority: Sm2TlsPair, revoked: Sequence[int], *, number: int, valid: timedelta, this_update: datetime | None = None
) -> bytes:
    """A CRL (RFC 5280, clause 5), DER. `revoked`: serial numbers. `valid`: until its next update."""
    moment = this_update or datetime.now(UTC) - _CLOCKS_DIFFER
    issuer = Issuer(authority.certificate, SignatureAlgorithm.SM2_SM3, authority.key.sign)
    return issue_revocation_list(RevocationFacts(revoked, number, moment, valid), issuer)


def _issue(
    issuer: Issuer,
    key: Sm2SoftwareKey,
    name: str,
    kind: CertificateKind,
    names: tuple[tuple[str, str], ...],
    valid: timedelta,
) -> Sm2TlsPair:
    now = datetime.now(UTC)
    facts = CertificateFacts(
        subject=(("common_name", name),),
        public_key=key.public_key.spki,
        kind=kind,
        not_before=now - _CLOCKS_DIFFER,
        not_after=now + valid,
        alternative_names=names,
    )
    return Sm2TlsPair(issue_certificate(facts, issuer), key)


def _kind_of_host(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "dns"
    return "ip"
