"""Proves at every start that this library, in these versions, speaks RFC 8998 and refuses everything else.

In-memory handshakes with throw-away certificates. It guards the private bindings (`signer.smtls.bindings`): whatever an update
changes, the front refuses to serve instead of serving something weaker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from OpenSSL import SSL, crypto

from signer.certificates.sm2_tls import Sm2TlsPair, make_sm2_authority, make_sm2_client, make_sm2_server
from signer.certificates.tls import make_authority, make_client
from signer.smtls import Credentials, SmTlsError, SmTlsReason, SmTlsSettings, TlsStream, client_context, server_context
from signer.smtls.bindings import library_version, set_groups, set_signature_algorithms
from signer.smtls.context import GROUP_HYBRID, GROUP_SM2, SIGNATURE_ALGORITHM, SUITE_CCM, SUITE_GCM
from signer.smtls.stream import Negotiated

_HOST = "localhost"
_ECDSA = "ecdsa_secp256r1_sha256"
_URI = "urn:signer:client:self-test"
_VALID = timedelta(minutes=10)
_MAX_FLIGHTS = 10


@dataclass(frozen=True)
class SelfTestEvidence:
    """What was proven: the library, what a good handshake settled, and the kinds of clients that were refused."""

    library: str
    negotiated: Negotiated
    refused: tuple[str, ...]


@dataclass(frozen=True)
class ThrowAway:
    """Certificates of a few minutes, for one start."""

    authority: Sm2TlsPair
    server: Sm2TlsPair

    @classmethod
    def make(cls) -> ThrowAway:
        """New keys."""
        authority = make_sm2_authority("throw-away", valid=_VALID)
        return cls(authority, make_sm2_server(authority, _HOST, valid=_VALID))

    def client(self, uri: str, *, sm2_id: bytes | None = None) -> Sm2TlsPair:
        """A client's certificate."""
        return make_sm2_client(self.authority, "throw-away", uri, valid=_VALID, sm2_id=sm2_id)

    def credentials(self, pair: Sm2TlsPair) -> Credentials:
        """As contexts take them."""
        return Credentials(pair.certificate_pem, pair.key.reveal_pem(), self.authority.certificate_pem)


def prove_tls(settings: SmTlsSettings) -> SelfTestEvidence:
    """Evidence that the library does what these settings ask for, and only that.

    Raises:
        SmTlsError: LIBRARY_UNFIT; the front must not serve.
    """
    throw_away = ThrowAway.make()
    server = server_context(settings, throw_away.credentials(throw_away.server))
    negotiated = _prove_settled(settings, throw_away, server)
    for name, (reason, make) in _strangers(throw_away, settings).items():
        _prove_refused(name, reason, server, make())
    return SelfTestEvidence(library_version(), negotiated, tuple(_strangers(throw_away, settings)))


def _strangers(
    throw_away: ThrowAway, settings: SmTlsSettings
) -> dict[str, tuple[SmTlsReason, Callable[[], SSL.Context]]]:
    """Clients that must be refused, each with the reason that must be given."""
    client = throw_away.client(_URI)
    reason = SmTlsReason
    strangers: dict[str, tuple[SmTlsReason, Callable[[], SSL.Context]]] = {
        "AES suites": (reason.PROTOCOL, lambda: stranger(client, suites="TLS_AES_128_GCM_SHA256")),
        "X25519": (reason.PROTOCOL, lambda: stranger(client, groups="X25519")),
        "P-256": (reason.PROTOCOL, lambda: stranger(client, groups="P-256")),
        "TLS 1.2": (reason.PROTOCOL, lambda: stranger(client, version=SSL.TLS1_2_VERSION)),
        "ECDSA signatures": (reason.PROTOCOL, lambda: stranger(client, algorithms=_ECDSA)),
        "a P-256 certificate": (reason.NO_CERTIFICATE, stranger_with_p256),
        "no certificate": (reason.NO_CERTIFICATE, lambda: stranger(None)),
        "no ALPN": (reason.NO_ALPN, lambda: stranger(client, protocols=[])),
        "another ALPN": (reason.NO_ALPN, lambda: stranger(client, protocols=[b"http/1.1"])),
        "another authority": (reason.AUTHORITY_UNKNOWN, lambda: stranger(ThrowAway.make().client(_URI))),
        "a server's certificate": (reason.CERTIFICATE_USAGE, lambda: stranger(throw_away.server)),
        "an empty SM2 ID": (reason.CERTIFICATE_SIGNATURE, lambda: stranger(throw_away.client(_URI, sm2_id=b""))),
    }
    if not settings.ccm:
        strangers["CCM"] = (reason.PROTOCOL, lambda: stranger(client, suites=SUITE_CCM))
    if not settings.hybrid:
        strangers["the hybrid group"] = (reason.PROTOCOL, lambda: stranger(client, groups=GROUP_HYBRID))
    return strangers


def _prove_settled(settings: SmTlsSettings, throw_away: ThrowAway, server: SSL.Context) -> Negotiated:
    """Every suite and group that is switched on works, and nothing else is settled; clients take the same care of us."""
    wanted = Negotiated("TLSv1.3", SUITE_GCM, GROUP_HYBRID if settings.hybrid else GROUP_SM2, "h2")
    client = throw_away.credentials(throw_away.client(_URI))
    for offer in (settings, SmTlsSettings()):
        group = GROUP_HYBRID if offer.hybrid else GROUP_SM2
        got = handshake_in_memory(server, client_context(offer, client), _HOST)
        if got != Negotiated("TLSv1.3", SUITE_GCM, group, "h2"):
            raise _unfit(f"a handshake settled on {got}")
    if settings.ccm:
        only_ccm = stranger(throw_away.client(_URI), suites=SUITE_CCM)
        if handshake_in_memory(server, only_ccm, _HOST).suite != SUITE_CCM:
            raise _unfit("CCM was asked for and not settled on")
    try:
        handshake_in_memory(server, client_context(settings, client), "somebody.example")
    except SmTlsError as problem:
        if problem.reason is SmTlsReason.CERTIFICATE_NAME:
            return wanted
    raise _unfit("a client took a server's certificate with another name")


def _prove_refused(name: str, reason: SmTlsReason, server: SSL.Context, client: SSL.Context) -> None:
    try:
        handshake_in_memory(server, client, _HOST)
    except SmTlsError as problem:
        if problem.reason is reason:
            return
        raise _unfit(f"a client with {name} was refused for {problem.reason.value}, not {reason.value}") from None
    raise _unfit(f"a client with {name} was not refused")


def handshake_in_memory(server: SSL.Context, client: SSL.Context, host: str) -> Negotiated:
    """A whole handshake without a network. Raises SmTlsError where either end refuses."""
    ours, theirs = TlsStream(server, is_server=True), TlsStream(client, is_server=False, host=host)
    to_client = b""
    for _ in range(_MAX_FLIGHTS):
        if not theirs.is_done:
            theirs.handshake(to_client)
        to_server = theirs.outgoing()
        if not ours.is_done:
            ours.handshake(to_server)
        to_client = ours.outgoing()
        if ours.is_done and theirs.is_done:
            ours.require_h2()
            return ours.negotiated()
    raise SmTlsError(SmTlsReason.PROTOCOL, "the handshake does not end")


def stranger(
    pair: Sm2TlsPair | None,
    *,
    suites: str = SUITE_GCM,
    groups: str = GROUP_SM2,
    algorithms: str = SIGNATURE_ALGORITHM,
    version: int = SSL.TLS1_3_VERSION,
    protocols: list[bytes] | None = None,
) -> SSL.Context:
    """A client with one thing wrong. It takes any server, so that nobody but the server refuses. Tests use it too."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    if version == SSL.TLS1_3_VERSION:
        context.set_tls13_ciphersuites(suites.encode("ascii"))
        set_groups(context, groups)
        set_signature_algorithms(context, algorithms)
    context.set_verify(SSL.VERIFY_NONE)
    if protocols is None or protocols:
        context.set_alpn_protos(protocols or [b"h2"])
    if pair is not None and version == SSL.TLS1_3_VERSION:
        context.use_certificate(x509.load_der_x509_certificate(pair.certificate))
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, pair.key.reveal_pem()))
    return context


def stranger_with_p256() -> SSL.Context:
    context = stranger(None, algorithms=f"{SIGNATURE_ALGORITHM}:{_ECDSA}")
    pair = make_client(make_authority("throw-away"), "throw-away", _URI)
    context.use_certificate(pair.certificate)
    context.use_privatekey(pair.key)
    return context


def _unfit(what: str) -> SmTlsError:
    return SmTlsError(
        SmTlsReason.LIBRARY_UNFIT, f"self-test: {what}", "Install exactly the versions in requirements.lock."
    )
