"""TLS without sockets: what is settled, whose certificate counts, that nothing is resumed, and that a broken byte ends it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings, TlsStream, client_context, server_context
from signer.transport.smtls.self_test import ThrowAway, prove_tls

_SETTINGS = SmTlsSettings()
_URI = "urn:signer:client:c"


@pytest.fixture(scope="module")
def throw_away() -> ThrowAway:
    return ThrowAway.make()


def _pair(throw_away: ThrowAway, host: str | None = "localhost") -> tuple[TlsStream, TlsStream]:
    server = server_context(_SETTINGS, throw_away.credentials(throw_away.server))
    client = client_context(_SETTINGS, throw_away.credentials(throw_away.client(_URI)))
    return TlsStream(server, is_server=True), TlsStream(client, is_server=False, host=host)


def _shake_hands(ours: TlsStream, theirs: TlsStream) -> None:
    theirs.handshake()
    ours.handshake(theirs.outgoing())
    theirs.handshake(ours.outgoing())
    ours.handshake(theirs.outgoing())
    theirs.decrypt(ours.outgoing())


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("ccm", [False, True])
def test_every_setting_passes_its_self_test(hybrid: bool, ccm: bool) -> None:
    evidence = prove_tls(SmTlsSettings(ccm=ccm, hybrid=hybrid))
    assert evidence.negotiated.group == ("curveSM2MLKEM768" if hybrid else "curveSM2")
    assert ("CCM" in evidence.refused, "the hybrid group" in evidence.refused) == (not ccm, not hybrid)


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 1_000_000])
def test_bytes_come_through_in_any_pieces(throw_away: ThrowAway, size: int) -> None:
    ours, theirs = _pair(throw_away)
    _shake_hands(ours, theirs)
    data = os.urandom(size)
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        wire = sender.encrypt(data) if data else b""
        assert b"".join(receiver.decrypt(wire[at : at + 7777]) for at in range(0, len(wire), 7777)) == data
        wire = sender.encrypt(data) if data else b""
        assert receiver.decrypt(wire[:20_000]) + receiver.decrypt(memoryview(wire)[20_000:]) == data


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_a_changed_byte_ends_the_connection(throw_away: ThrowAway, position: int) -> None:
    ours, theirs = _pair(throw_away)
    _shake_hands(ours, theirs)
    wire = bytearray(theirs.encrypt(b"a message"))
    wire[position] ^= 1
    with pytest.raises(SmTlsError) as caught:
        ours.decrypt(bytes(wire))
    assert caught.value.reason is SmTlsReason.PROTOCOL


def test_the_end_is_told(throw_away: ThrowAway) -> None:
    ours, theirs = _pair(throw_away)
    _shake_hands(ours, theirs)
    assert theirs.decrypt(ours.encrypt(b"last") + ours.close()) == b"last"
    assert theirs.is_closed


@pytest.mark.parametrize(
    ("host", "accepted"),
    [("localhost", True), ("127.0.0.1", False), ("::1", False), ("localhost.example", False), ("ocalhost", False)],
)
def test_the_servers_name_is_verified(throw_away: ThrowAway, host: str, accepted: bool) -> None:
    """Its certificate names localhost twice, as a name."""
    ours, theirs = _pair(throw_away, host)
    if accepted:
        _shake_hands(ours, theirs)
        return
    with pytest.raises(SmTlsError) as caught:
        _shake_hands(ours, theirs)
    assert caught.value.reason is SmTlsReason.CERTIFICATE_NAME


def test_the_judge_hears_the_chain_and_its_no_counts(throw_away: ThrowAway) -> None:
    heard: list[Sequence[bytes]] = []

    def judge(chain: Sequence[bytes]) -> None:
        heard.append(chain)
        raise SmTlsError(SmTlsReason.REVOKED, "m")

    ours, theirs = _pair(throw_away)
    ours.judge = judge
    with pytest.raises(SmTlsError) as caught:
        _shake_hands(ours, theirs)
    assert caught.value.reason is SmTlsReason.REVOKED
    assert not ours.is_done
    (chain,) = heard
    assert chain[1] == throw_away.authority.certificate
    assert b"alert" not in theirs.outgoing()
    with pytest.raises(SmTlsError) as heard_by_peer:
        theirs.decrypt(ours.outgoing())
    assert heard_by_peer.value.reason is SmTlsReason.REFUSED_BY_PEER


def test_a_judge_that_breaks_says_no(throw_away: ThrowAway) -> None:
    def judge(_chain: Sequence[bytes]) -> None:
        raise ZeroDivisionError

    ours, theirs = _pair(throw_away)
    ours.judge = judge
    with pytest.raises(SmTlsError) as caught:
        _shake_hands(ours, theirs)
    assert caught.value.reason is SmTlsReason.CERTIFICATE_INVALID


def test_nothing_is_resumed(throw_away: ThrowAway) -> None:
    """A resumed session would bring in a peer whom nobody has judged on that day."""
    server = server_context(_SETTINGS, throw_away.credentials(throw_away.server))
    client = client_context(_SETTINGS, throw_away.credentials(throw_away.client(_URI)))
    judged: list[Sequence[bytes]] = []
    session = None
    for number in range(1, 4):
        ours, theirs = TlsStream(server, is_server=True), TlsStream(client, is_server=False, host="localhost")
        ours.judge = judged.append
        if session is not None:
            theirs._connection.set_session(session)
        _shake_hands(ours, theirs)
        session = theirs._connection.get_session()
        assert session is not None
        assert len(judged) == number


def test_secrets_have_no_repr(throw_away: ThrowAway) -> None:
    credentials = throw_away.credentials(throw_away.server)
    for shown in (repr(credentials), repr(throw_away.server.key), str(throw_away)):
        assert "PRIVATE" not in shown
        assert "\\x" not in shown.replace(repr(throw_away.authority.certificate), "").replace(
            repr(throw_away.server.certificate), ""
        )
