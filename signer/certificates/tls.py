"""P-256 certificates for mutual TLS on the LAN listener and on the public listener's inner hop: authority, server, clients.

Keys are PEM files or live in memory: gRPC's BoringSSL can't use an HSM. Not for signatures on documents.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=825)
_AUTHORITY_VALID = timedelta(days=3650)


@dataclass(frozen=True)
class TlsPair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """PKCS#8, PEM, not encrypted: the file's mode guards it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_authority(name: str) -> TlsPair:
    """A self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, name, key.public_key(), _AUTHORITY_VALID)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return TlsPair(builder.sign(key, hashes.SHA256()), key)


def load_pair(certificate_pem: bytes, key_pem: bytes) -> TlsPair:
    """A pair that was made here before. Raises ValueError, TypeError."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not a key of ours")
    return TlsPair(x509.load_pem_x509_certificate(certificate_pem), key)


def make_server(authority: TlsPair, host: str) -> TlsPair:
    """A server certificate for an address and for localhost."""
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return _issue(authority, "signer", names, ExtendedKeyUsageOID.SERVER_AUTH, _VALID)


def make_client(authority: TlsPair, name: str, uri: str, *, address: str = "", valid: timedelta = _VALID) -> TlsPair:
    """A client certificate that names its holder by a URI, and by the IP address where one is given."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    if address:
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    return _issue(authority, name, names, ExtendedKeyUsageOID.CLIENT_AUTH, valid)


def _issue(
    authority: TlsPair, name: str, names: list[x509.GeneralName], purpose: x509.ObjectIdentifier, valid: timedelta
) -> TlsPair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = _builder(name, str(issuer), key.public_key(), valid)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return TlsPair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, valid: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + valid)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
