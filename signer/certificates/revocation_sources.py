"""Where a certificate says that its revocation can be asked about: CRL distribution points, OCSP responders (RFC 5280, 4.2.1.13, 4.2.2.1).

An address from a certificate is a wish, no more: `allowed` says which of them may be followed. Not for following them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from signer.certificates.certificate import Certificate

_MAX_ADDRESSES, _MAX_ADDRESS = 4, 1_000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """One that may be followed. `target`: path and query."""

    secure: bool
    host: str
    port: int
    target: str


def list_addresses(certificate: Certificate) -> list[str]:
    """Of complete CRLs, as the certificate names them."""
    return list(_of_lists(_extensions(certificate)))[:_MAX_ADDRESSES]


def responder_addresses(certificate: Certificate) -> list[str]:
    """Of OCSP responders."""
    return list(_of_responders(_extensions(certificate)))[:_MAX_ADDRESSES]


def allowed(address: str, hosts: Iterable[str]) -> Address | None:
    """The address, if its host is one of those ("host": at the scheme's own port, or "host:port"); None for every other."""
    if len(address) > _MAX_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.password is not None:
        return None
    own = _PORTS[parts.scheme]
    written = f"[{host}]" if ":" in host else host
    names = {f"{written}:{port or own}"} | ({written} if (port or own) == own else set())
    if not names & set(hosts):
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme == "https", host, port or own, target)


def _extensions(certificate: Certificate) -> x509.Extensions:
    return x509.load_der_x509_certificate(certificate.der).extensions


def _of_lists(extensions: x509.Extensions) -> Iterator[str]:
    for extension in extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            for point in extension.value:
                if point.reasons is None and point.crl_issuer is None:
                    yield from (
                        name.value for name in point.full_name or () if isinstance(name, x509.UniformResourceIdentifier)
                    )


def _of_responders(extensions: x509.Extensions) -> Iterator[str]:
    for extension in extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            for access in extension.value:
                location = access.access_location
                if access.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
                    location, x509.UniformResourceIdentifier
                ):
                    yield location.value
