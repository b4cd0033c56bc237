"""The refusal matrix: every kind of client that must not come in, and the reason that is counted for it.

Threat: T15.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from OpenSSL import SSL

from signer.algorithms.sm2_software_key import Sm2SoftwareKey
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.certificates.sm2_tls import Sm2TlsPair, make_sm2_authority, make_sm2_client, make_sm2_server
from signer.smtls import SmTlsError
from signer.transport.identity import CLIENT_URI_PREFIX, INNER_URI_PREFIX
from signer.transport.smtls.self_test import stranger, stranger_with_p256
from tests.integration.smtls.front_harness import Authority, RunningFront, ask, eventually, handshakes, running_front
from tests.integration.smtls.raw_client import OPENING, RawClient

_Make = Callable[[Authority], SSL.Context]
_NAME = CLIENT_URI_PREFIX + "channel"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFront]:
    with running_front(tmp_path_factory.mktemp("front")) as running:
        yield running


def _issued(
    authority: Authority,
    *uris: str,
    kind: CertificateKind = CertificateKind.TLS_CLIENT,
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=1),
    issuer: Issuer | None = None,
) -> Sm2TlsPair:
    key, now = Sm2SoftwareKey.generate(), datetime.now(UTC)
    names = tuple(("uri", uri) for uri in uris)
    facts = CertificateFacts(
        (("common_name", "c"),), key.public_key.spki, kind, now + begins, now + ends, alternative_names=names
    )
    return Sm2TlsPair(issue_certificate(facts, issuer or authority.pair.issuer), key)


def _revoked(authority: Authority) -> SSL.Context:
    pair = authority.client("channel")
    authority.revoke(pair)
    return stranger(pair)


def _below_intermediate(authority: Authority, *, revoke: bool = False) -> SSL.Context:
    key, now = Sm2SoftwareKey.generate(), datetime.now(UTC)
    facts = CertificateFacts(
        (("common_name", f"between {now}"),),
        key.public_key.spki,
        CertificateKind.AUTHORITY,
        now - timedelta(days=1),
        now + timedelta(days=1),
    )
    root = authority.pair
    # the test authority allows no authority below itself: that alone must refuse the client
    between = Sm2TlsPair(issue_certificate(facts, root.issuer), key)
    context = stranger(_issued(authority, _NAME, issuer=between.issuer))
    context.add_extra_chain_cert(x509.load_der_x509_certificate(between.certificate))
    return context


def _of(*uris: str, **how: object) -> _Make:
    return lambda authority: stranger(_issued(authority, *uris, **how))  # type: ignore[arg-type]  # passed on


_EXPIRED = {"begins": timedelta(days=-2), "ends": timedelta(seconds=-1)}
_FUTURE = {"begins": timedelta(hours=1), "ends": timedelta(days=2)}

_MATRIX: dict[str, tuple[str, _Make]] = {
    "AES suites only": ("protocol", lambda a: stranger(a.client("channel"), suites="TLS_AES_256_GCM_SHA384")),
    "CCM, which is off": ("protocol", lambda a: stranger(a.client("channel"), suites="TLS_SM4_CCM_SM3")),
    "X25519 only": ("protocol", lambda a: stranger(a.client("channel"), groups="X25519")),
    "the hybrid group, which is off": ("protocol", lambda a: stranger(a.client("channel"), groups="curveSM2MLKEM768")),
    "ECDSA only": ("protocol", lambda a: stranger(a.client("channel"), algorithms="ecdsa_secp256r1_sha256")),
    "TLS 1.2": ("protocol", lambda a: stranger(a.client("channel"), version=SSL.TLS1_2_VERSION)),
    "a default client of OpenSSL": ("protocol", lambda _: SSL.Context(SSL.TLS_CLIENT_METHOD)),
    "no certificate": ("no-certificate", lambda _: stranger(None)),
    "a P-256 certificate": ("no-certificate", lambda _: stranger_with_p256()),
    "no ALPN": ("no-alpn", lambda a: stranger(a.client("channel"), protocols=[])),
    "ALPN without h2": ("no-alpn", lambda a: stranger(a.client("channel"), protocols=[b"http/1.1", b"h2c"])),
    "another authority": (
        "authority-unknown",
        lambda _: stranger(make_sm2_client(make_sm2_authority("other"), "channel", _NAME)),
    ),
    "an authority of the same name": (
        "authority-unknown",
        lambda _: stranger(make_sm2_client(make_sm2_authority("test authority"), "channel", _NAME)),
    ),
    "a self-signed certificate": ("authority-unknown", lambda _: stranger(make_sm2_authority("me"))),
    "the authority itself": ("certificate-usage", lambda a: stranger(a.pair)),
    "an authority below it": ("certificate-invalid", _below_intermediate),
    "an expired certificate": ("certificate-expired", _of(_NAME, **_EXPIRED)),
    "a certificate of tomorrow": ("certificate-not-yet-valid", _of(_NAME, **_FUTURE)),
    "a server's certificate": (
        "certificate-usage",
        lambda a: stranger(make_sm2_server(a.pair, "127.0.0.1")),
    ),
    "a seal's certificate": ("certificate-usage", _of(_NAME, kind=CertificateKind.DOCUMENT_SIGNER)),
    "no extended key usage": ("certificate-usage", _of(_NAME, kind=CertificateKind.MESSAGE_SIGNER)),
    "an empty SM2 ID": ("certificate-signature", lambda a: stranger(a.client("channel", sm2_id=b""))),
    "another SM2 ID": ("certificate-signature", lambda a: stranger(a.client("channel", sm2_id=b"ALICE123@YAHOO.COM"))),
    "a revoked certificate": ("revoked", _revoked),
    "no name": ("certificate-name", _of()),
    "two names": ("certificate-name", _of(_NAME, CLIENT_URI_PREFIX + "core")),
    "a name that is none": ("certificate-name", _of(CLIENT_URI_PREFIX + "Channel/../x")),
    "a name of the inner form": ("certificate-name", _of(INNER_URI_PREFIX + "channel")),
    "a name of the self-test": ("certificate-name", _of(CLIENT_URI_PREFIX + "self-test.a")),
}


@pytest.mark.parametrize("kind", _MATRIX)
def test_a_client_is_refused_for_its_reason(front: RunningFront, kind: str) -> None:
    reason, make = _MATRIX[kind]
    context = make(front.authority)
    if kind == "a revoked certificate":
        eventually(lambda: front.front._material.current.judge.revocation is not None and _knows_crl(front))
    before, served = handshakes(reason), handshakes("ok")
    with pytest.raises(SmTlsError):
        _first_answer(front, context)
    eventually(lambda: handshakes(reason) == before + 1)
    assert handshakes("ok") == served


def _first_answer(front: RunningFront, context: SSL.Context) -> bytes:
    with RawClient(front.port) as client:
        client.shake_hands(context)
        client.send(OPENING)
        return client.receive()


def _knows_crl(front: RunningFront) -> bool:
    revocation = front.front._material.current.judge.revocation
    return revocation is not None and max(crl.number for crl in revocation.lists) == front.authority.crl_number


def test_an_honest_client_is_served_between_all_of_them(front: RunningFront) -> None:
    with front.channel(front.authority.client("channel")) as channel:
        assert ask(channel) == b"channel ?"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-http2"),
        (b"\0" * 64, "not-http2"),
        (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "not-http2"),
    ],
)
def test_nothing_but_http2_reaches_a_worker(front: RunningFront, first: bytes, reason: str) -> None:
    before = handshakes(reason)
    with RawClient(front.port) as client:
        client.shake_hands(stranger(front.authority.client("channel")))
        client.send(first)
        client.wait_for_end()
    eventually(lambda: handshakes(reason) == before + 1)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\xff\xff" + b"\0" * 200, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff" * 3000]
)
def test_what_is_not_tls_is_refused(front: RunningFront, garbage: bytes) -> None:
    before = handshakes("protocol") + handshakes("handshake-timeout")
    with RawClient(front.port) as client:
        client.socket.sendall(garbage)
        while client.socket.recv(4096):
            pass
    eventually(lambda: handshakes("protocol") + handshakes("handshake-timeout") == before + 1)
