"""One TLS connection without a socket: bytes from the network in, plain bytes out, and the other way round.

For SM-TLS and for the inner hop's ordinary TLS alike; the context decides. Not thread-safe: one call at a time, from any thread
(OpenSSL's work is done without the GIL). Not for sockets and time: `handshake` and `relay` do that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from signer.smtls import bindings
from signer.smtls.errors import SmTlsError, SmTlsReason

_RECORD = 16 * 1024  # RFC 8446, 5.1: the most that one record holds
_codes = SSL.X509VerificationCodes

# Judges a chain, own certificate first, DER. Raises SmTlsError to refuse.
Judge = Callable[[Sequence[bytes]], None]

_VERIFICATION: dict[int, tuple[SmTlsReason, str]] = {
    _codes.ERR_CERT_HAS_EXPIRED: (SmTlsReason.CERTIFICATE_EXPIRED, "a certificate of the chain has expired"),
    _codes.ERR_CERT_NOT_YET_VALID: (SmTlsReason.CERTIFICATE_NOT_YET_VALID, "a certificate is not valid yet"),
    _codes.ERR_INVALID_PURPOSE: (SmTlsReason.CERTIFICATE_USAGE, "the certificate is not for this use"),
    _codes.ERR_CERT_SIGNATURE_FAILURE: (
        SmTlsReason.CERTIFICATE_SIGNATURE,
        "a certificate's signature is wrong; SM2 certificates are signed with the ID 1234567812345678",
    ),
    _codes.ERR_HOSTNAME_MISMATCH: (SmTlsReason.CERTIFICATE_NAME, "the server's certificate has another name"),
    _codes.ERR_IP_ADDRESS_MISMATCH: (SmTlsReason.CERTIFICATE_NAME, "the server's certificate has another address"),
    **dict.fromkeys(
        (
            _codes.ERR_UNABLE_TO_GET_ISSUER_CERT,
            _codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            _codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
            _codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            _codes.ERR_SELF_SIGNED_CERT_IN_CHAIN,
        ),
        (SmTlsReason.AUTHORITY_UNKNOWN, "the certificate is of an authority that is not trusted here"),
    ),
}


@dataclass(frozen=True)
class Negotiated:
    """What a handshake settled, in OpenSSL's words."""

    version: str
    suite: str
    group: str
    application_protocol: str


class TlsStream:
    """A connection. Call `handshake` until it is true, then `decrypt` and `encrypt`; send what `outgoing` gives."""

    def __init__(self, context: SSL.Context, *, is_server: bool, host: str | None = None) -> None:
        """`host`: the name or address that the server's certificate must have, for clients."""
        self._connection = SSL.Connection(context, None)
        self._connection.set_app_data(self)
        if is_server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        if host is not None:
            bindings.verify_host(self._connection, host)
        self._refusal: SmTlsError | None = None
        self._chain: dict[int, bytes] = {}
        self.is_done = False
        self.is_closed = False
        self.judge: Judge | None = None

    # ---- handshake

    def present(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """A certificate for this connection alone, instead of the context's. Not SM2: `cryptography` has no such keys."""
        self._connection.use_certificate(certificate)
        self._connection.use_privatekey(key)

    def handshake(self, received: bytes = b"") -> bool:
        """Takes the next bytes; true when the handshake is done. There may be outgoing bytes even when it raises (an alert).

        Raises:
            SmTlsError: why there is no connection.
        """
        if received:
            self._connection.bio_write(received)
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as problem:
            raise self._refusal or _handshake_error(problem) from None
        if (
            self._refusal is not None
        ):  # never reached unless a callback's "no" was lost: then it must not count as "yes"
            raise self._refusal
        self.is_done = True
        return True

    def negotiated(self) -> Negotiated:
        """What was settled."""
        connection = self._connection
        return Negotiated(
            connection.get_protocol_version_name(),
            connection.get_cipher_name() or "",
            connection.get_group_name() or "",
            connection.get_alpn_proto_negotiated().decode("ascii", "replace"),
        )

    def require_h2(self) -> None:
        """Raises SmTlsError (NO_ALPN) unless ALPN settled on h2: a peer without the extension has come this far."""
        if self._connection.get_alpn_proto_negotiated() != b"h2":
            raise SmTlsError(SmTlsReason.NO_ALPN, "ALPN did not settle on h2", "Offer h2.")

    def peer_certificate(self) -> bytes:
        """The certificate that the peer proved to hold the key of, DER; b"" where it has none."""
        certificate = self._connection.get_peer_certificate()
        return b"" if certificate is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The verified chain as far as OpenSSL built it, own certificate first, DER."""
        return tuple(self._chain[depth] for depth in sorted(self._chain))

    # ---- data

    def decrypt(self, received: bytes | memoryview) -> bytes:
        """Plain bytes from the network's. `is_closed` becomes true when the peer has said that it ends.

        Raises:
            SmTlsError: PROTOCOL; nothing more can come.
        """
        connection = self._connection
        if received:
            connection.bio_write(received)
        parts: list[bytes] = []
        problem: SSL.Error | None = None
        while problem is None:
            part, problem = bindings.read_plain(connection, len(received) + _RECORD)
            parts.append(part)
        if isinstance(problem, SSL.ZeroReturnError):
            self.is_closed = True
        elif not isinstance(problem, SSL.WantReadError):
            raise _handshake_error(problem)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def encrypt(self, plain: bytes) -> bytes:
        """Bytes for the network from plain ones, at once. Raises SmTlsError (PROTOCOL): this side has ended."""
        try:
            self._connection.sendall(plain)
        except SSL.Error as problem:
            raise _handshake_error(problem) from None
        return self.outgoing()

    def close(self) -> bytes:
        """The bytes that tell the peer that nothing more comes."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return b""
        return self.outgoing()

    def outgoing(self) -> bytes:
        """What must go to the network now."""
        return bindings.outgoing(self._connection)

    # ---- called by OpenSSL while a handshake runs

    def note(self, certificate: crypto.X509, error: int, depth: int) -> bool:
        """See `judge_certificates`."""
        if error != _codes.OK:
            reason, message = _VERIFICATION.get(
                error, (SmTlsReason.CERTIFICATE_INVALID, f"the certificate is not valid (X.509 error {error})")
            )
            self._refusal = SmTlsError(reason, message)
            return False
        self._chain[depth] = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        if depth == 0 and self.judge is not None:  # OpenSSL goes from the root down: the chain is whole now
            try:
                self.judge(self.chain)
            except SmTlsError as problem:
                self._refusal = problem
                return False
            except Exception:  # noqa: BLE001 - hostile input; OpenSSL must hear "no" whatever went wrong
                self._refusal = SmTlsError(SmTlsReason.CERTIFICATE_INVALID, "the certificate can't be judged")
                return False
        return True


def judge_certificates(
    connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, in_order: int
) -> bool:
    """Called by pyOpenSSL for each certificate: what OpenSSL accepts is put before the stream's own judge.

    Never raises: pyOpenSSL would hand the exception to whichever connection of the same context comes next.
    """
    try:
        stream = connection.get_app_data()
        return isinstance(stream, TlsStream) and stream.note(certificate, 0 if in_order else error or -1, depth)
    except Exception:  # noqa: BLE001 - as above
        return False


_WRONG_MESSAGES = {
    "peer did not return a certificate": (SmTlsReason.NO_CERTIFICATE, "the client showed no certificate"),
    "no application protocol": (SmTlsReason.NO_ALPN, "ALPN offers no h2"),
    "certificate verify failed": (SmTlsReason.CERTIFICATE_INVALID, "the certificate is not trusted"),
}


def _handshake_error(problem: SSL.Error) -> SmTlsError:
    """A reason for OpenSSL's error queue; its texts are OpenSSL's own and quote nothing of the peer's."""
    if isinstance(problem, SSL.SysCallError | SSL.ZeroReturnError):
        return SmTlsError(SmTlsReason.PEER_CLOSED, "the peer closed the connection")
    queue = problem.args[0] if problem.args and isinstance(problem.args[0], list) else []
    texts = [entry[2] for entry in queue if len(entry) == 3]
    for text in texts:
        if text in _WRONG_MESSAGES:
            return SmTlsError(*_WRONG_MESSAGES[text])
        if "alert" in text:
            return SmTlsError(SmTlsReason.REFUSED_BY_PEER, f"the peer ended the connection: {text}")
    return SmTlsError(SmTlsReason.PROTOCOL, f"no common ground in TLS: {texts[0] if texts else 'unknown'}")
