"""TLS contexts that speak RFC 8998 and nothing else: TLS 1.3, SM4 suites, curveSM2, sm2sig_sm3, SM2 certificates, h2.

Nothing falls back: a peer that can't do this has no connection. Both ends must show a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asn1crypto import pem
from cryptography import x509
from OpenSSL import SSL, crypto

from signer.smtls import bindings
from signer.smtls.errors import SmTlsError, SmTlsReason
from signer.smtls.stream import judge_certificates

SUITE_GCM, SUITE_CCM = "TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"  # RFC 8998, 2
GROUP_SM2, GROUP_HYBRID = "curveSM2", "curveSM2MLKEM768"
SIGNATURE_ALGORITHM = "sm2sig_sm3"
_H2 = b"h2"
_MAX_DEPTH = 8


@dataclass(frozen=True)
class SmTlsSettings:
    """`ccm`: also the suite TLS_SM4_CCM_SM3. `hybrid`: prefer curveSM2MLKEM768 (ML-KEM is no approved algorithm in China)."""

    ccm: bool = False
    hybrid: bool = False

    @property
    def suites(self) -> str:
        """As OpenSSL writes a list."""
        return f"{SUITE_GCM}:{SUITE_CCM}" if self.ccm else SUITE_GCM

    @property
    def groups(self) -> str:
        """As OpenSSL writes a list, best first."""
        return f"{GROUP_HYBRID}:{GROUP_SM2}" if self.hybrid else GROUP_SM2


@dataclass(frozen=True, repr=False)
class Credentials:
    """All PEM. `chain`: own certificate first. `key`: PKCS#8, not encrypted. `authorities`: who may have issued the peer's."""

    chain: bytes
    key: bytes
    authorities: bytes

    @classmethod
    def read(cls, certificate: Path, key: Path, authorities: Path) -> Credentials:
        """Raises SmTlsError (CREDENTIALS_UNUSABLE) where a file can't be read."""
        try:
            return cls(certificate.read_bytes(), key.read_bytes(), authorities.read_bytes())
        except OSError as problem:
            raise _unusable(f"{problem.filename}: can't be read ({problem.strerror})") from None


def server_context(settings: SmTlsSettings, credentials: Credentials) -> SSL.Context:
    """For the server's `TlsStream`, whose `judge` decides on the client's certificates after OpenSSL.

    Raises:
        SmTlsError: LIBRARY_UNFIT, CREDENTIALS_UNUSABLE.
    """
    context = _context(SSL.TLS_SERVER_METHOD, settings, credentials)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, judge_certificates)
    # A resumed session would bring a certificate that nobody judges again: every connection is a full handshake.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    for authority in _certificates(credentials.authorities):
        context.add_client_ca(authority)
    bindings.accept_only_h2(context)
    return context


def client_context(settings: SmTlsSettings, credentials: Credentials) -> SSL.Context:
    """For the client's `TlsStream`. Raises as `server_context`."""
    context = _context(SSL.TLS_CLIENT_METHOD, settings, credentials)
    context.set_verify(SSL.VERIFY_PEER, judge_certificates)
    context.set_alpn_protos([_H2])
    return context


def _context(method: int, settings: SmTlsSettings, credentials: Credentials) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    try:
        context.set_tls13_ciphersuites(settings.suites.encode("ascii"))
    except SSL.Error:
        raise SmTlsError(
            SmTlsReason.LIBRARY_UNFIT,
            f"{bindings.library_version()} refuses the suites {settings.suites}",
            "Install exactly the versions in requirements.lock.",
        ) from None
    bindings.set_groups(context, settings.groups)
    bindings.set_signature_algorithms(context, SIGNATURE_ALGORITHM)
    context.set_verify_depth(_MAX_DEPTH)
    _use(context, credentials)
    return context


def _use(context: SSL.Context, credentials: Credentials) -> None:
    own, *others = _certificates(credentials.chain)
    try:
        context.use_certificate(own)
        for other in others:
            context.add_extra_chain_cert(other)
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, credentials.key))
        context.check_privatekey()
    except (SSL.Error, crypto.Error, ValueError):
        raise _unusable("the key is not an unencrypted SM2 key, or it is not the certificate's") from None
    store = context.get_cert_store()
    assert store is not None
    for authority in _certificates(credentials.authorities):
        store.add_cert(crypto.X509.from_cryptography(authority))


def _certificates(text: bytes) -> list[x509.Certificate]:
    try:
        blocks = [der for kind, _, der in pem.unarmor(text, multiple=True) if kind == "CERTIFICATE"]
        found = [x509.load_der_x509_certificate(der) for der in blocks]
    except (ValueError, TypeError, crypto.Error):
        found = []
    if not found:
        raise _unusable("no certificate in PEM, or one that can't be read")
    return found


def _unusable(what: str) -> SmTlsError:
    return SmTlsError(
        SmTlsReason.CREDENTIALS_UNUSABLE, what, "Give PEM files: certificate, its SM2 key, the authority."
    )
