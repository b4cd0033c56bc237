"""RFC 8998 with another implementation at the other end, both ways: handshake, mutual certificates, data."""

from __future__ import annotations

import os

import pytest

from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings, TlsStream, client_context, server_context
from signer.smtls.stream import Negotiated
from signer.transport.identity import CLIENT_URI_PREFIX
from signer.transport.smtls.self_test import ThrowAway
from tests.conformance.tongsuo_peer import TongsuoPeer, TongsuoRefuses

_URI = CLIENT_URI_PREFIX + "channel"
_CCM = SmTlsSettings(ccm=True)


def _shake_hands(ours: TlsStream, theirs: TongsuoPeer) -> None:
    """Until both are done; each gets all that the other has sent, tickets too."""
    to_theirs = b""
    for _ in range(10):
        if theirs.is_done:
            assert theirs.decrypt(to_theirs) == b""
        else:
            theirs.handshake(to_theirs)
        to_ours = theirs.outgoing()
        if ours.is_done:
            assert ours.decrypt(to_ours) == b""
        else:
            ours.handshake(to_ours)
        to_theirs = ours.outgoing()
        if ours.is_done and theirs.is_done and not to_theirs:
            return
    raise AssertionError("the handshake does not end")


def _exchange(ours: TlsStream, theirs: TongsuoPeer) -> None:
    for size in (1, 1000, 100_000):
        data = os.urandom(size)
        assert theirs.decrypt(ours.encrypt(data)) == data
        assert ours.decrypt(theirs.encrypt(data)) == data


@pytest.mark.parametrize("suite", ["TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"])
def test_their_client_and_our_server(suite: str) -> None:
    throw_away = ThrowAway.make()
    client = throw_away.client(_URI)
    theirs = TongsuoPeer(client, throw_away.authority, is_server=False, suite=suite)
    ours = TlsStream(server_context(_CCM, throw_away.credentials(throw_away.server)), is_server=True)
    _shake_hands(ours, theirs)
    ours.require_h2()
    assert ours.negotiated() == Negotiated("TLSv1.3", suite, "curveSM2", "h2")
    assert ours.peer_certificate() == client.certificate
    _exchange(ours, theirs)


@pytest.mark.parametrize("suite", ["TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"])
def test_our_client_and_their_server(suite: str) -> None:
    throw_away = ThrowAway.make()
    theirs = TongsuoPeer(throw_away.server, throw_away.authority, is_server=True, suite=suite)
    credentials = throw_away.credentials(throw_away.client(_URI))
    ours = TlsStream(client_context(_CCM, credentials), is_server=False, host="localhost")
    _shake_hands(ours, theirs)
    assert ours.negotiated() == Negotiated("TLSv1.3", suite, "curveSM2", "h2")
    assert ours.peer_certificate() == throw_away.server.certificate
    _exchange(ours, theirs)


def test_their_client_of_another_authority_is_refused() -> None:
    throw_away = ThrowAway.make()
    theirs = TongsuoPeer(ThrowAway.make().client(_URI), throw_away.authority, is_server=False)
    ours = TlsStream(server_context(SmTlsSettings(), throw_away.credentials(throw_away.server)), is_server=True)
    with pytest.raises(SmTlsError) as caught:
        _shake_hands(ours, theirs)
    assert caught.value.reason is SmTlsReason.AUTHORITY_UNKNOWN


def test_they_refuse_a_certificate_without_the_standard_id_too() -> None:
    """The ID 1234567812345678 is what others expect: a certificate with an empty ID is nobody's to them either."""
    throw_away = ThrowAway.make()
    theirs = TongsuoPeer(throw_away.server, throw_away.authority, is_server=True)
    credentials = throw_away.credentials(throw_away.client(_URI, sm2_id=b""))
    ours = TlsStream(client_context(SmTlsSettings(), credentials), is_server=False, host="localhost")
    with pytest.raises(TongsuoRefuses, match="certificate verify failed"):
        _shake_hands(ours, theirs)
