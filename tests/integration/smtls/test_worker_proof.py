"""The start-up self-test of identity: an honest worker is used, a lying one ends the front, strangers get nothing from inner sockets.

Threat: T16.
"""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from signer.certificates.tls import make_authority, make_client
from signer.errors import ConfigurationError, Reason
from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings
from signer.transport.identity import CLIENT_URI_PREFIX, INNER_URI_PREFIX, inner_caller
from signer.transport.smtls import self_test
from signer.transport.smtls.identity_proof import IdentityWrong
from signer.transport.smtls.inner import ASK_MANY, ASK_ONE, InnerDirectory, caller_answer
from signer.transport.smtls.inner_credentials import inner_credentials
from signer.transport.smtls.self_test import prove_tls
from tests.integration.smtls.front_harness import LIMITS, Authority, RunningFront, running_front

_Answer = Callable[[grpc.ServicerContext, int], bytes]


def _true_name(context: grpc.ServicerContext) -> bytes:
    caller = inner_caller(context)
    return caller_answer(caller.name, caller.address)


def _another_address(context: grpc.ServicerContext, _call: int) -> bytes:
    return caller_answer(inner_caller(context).name, "127.0.0.1")


class _Echo(grpc.GenericRpcHandler):
    """An echo service with an idea of its own of who calls."""

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer
        self._calls = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        def one(_request: bytes, context: grpc.ServicerContext) -> bytes:
            self._calls += 1
            return self._answer(context, self._calls)

        def many(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            return (one(request, context) for request in requests)

        if handler_call_details.method == ASK_ONE:
            return grpc.unary_unary_rpc_method_handler(one)
        return grpc.stream_stream_rpc_method_handler(many) if handler_call_details.method == ASK_MANY else None


@contextmanager
def _lying_worker(inner: InnerDirectory, answer: _Answer, credentials: grpc.ServerCredentials | None) -> Iterator[None]:
    from concurrent.futures import ThreadPoolExecutor

    server = grpc.server(ThreadPoolExecutor(4), handlers=[_Echo(answer)])
    server.add_secure_port(f"unix:{inner.socket_of('worker-0')}", credentials or inner_credentials(inner, "worker-0"))
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait()


def _by_metadata(context: grpc.ServicerContext, _call: int) -> bytes:
    claimed = [str(value) for key, value in context.invocation_metadata() if key == "x-forwarded-client-cert"]
    if not claimed:
        return _true_name(context)
    return caller_answer(claimed[0].removeprefix(f"URI={CLIENT_URI_PREFIX}"), inner_caller(context).address)


_remembered: list[bytes] = []


def _by_first_caller(context: grpc.ServicerContext, _call: int) -> bytes:
    _remembered.append(_true_name(context))
    return _remembered[0]


def _without_names(context: grpc.ServicerContext, _call: int) -> bytes:
    values = cast(Mapping[str, list[bytes]], context.auth_context())
    address = values.get("peer_ip", [b""])[0].decode()
    return caller_answer(values.get("peer_uri", [b""])[0].split(b":")[-1].decode(), address)


_LIES: dict[str, _Answer] = {
    "metadata is believed": _by_metadata,
    "the first caller is everybody": _by_first_caller,
    "another listener's form is believed": _without_names,
    "calls come from the front itself": _another_address,
    "nobody is anybody": lambda _context, _call: b"somebody",
    "later calls are another's": lambda context, call: _true_name(context) if call < 7 else b"somebody",
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_lying_worker_ends_the_front(tmp_path: Path, lie: str) -> None:
    _remembered.clear()
    inner = InnerDirectory(tmp_path / "inner")
    inner.make(["worker-0", "worker-1"])
    authority = Authority(tmp_path / "public")
    with _lying_worker(inner, _LIES[lie], None):
        front = RunningFront(authority, LIMITS, SmTlsSettings(), inner)
        try:
            with pytest.raises(IdentityWrong) as caught:
                front.wait_ready()
        finally:
            front.stop()
    assert caught.value.reason is Reason.START_FAILED
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", front.port)) != 0


def test_a_lying_worker_that_replaces_an_honest_one_ends_the_front(tmp_path: Path) -> None:
    with running_front(tmp_path) as front:
        with _lying_worker(front.inner, _LIES["nobody is anybody"], None):
            front._thread.join(20)
        assert isinstance(front.failure, IdentityWrong)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[RunningFront]:
    with running_front(tmp_path) as running:
        yield running


def _try_directly(front: RunningFront, credentials: grpc.ChannelCredentials | None) -> str:
    address = f"unix:{front.inner.socket_of('worker-0')}"
    options = [("grpc.ssl_target_name_override", "worker-0"), ("grpc.use_local_subchannel_pool", 1)]
    make = grpc.insecure_channel(address) if credentials is None else grpc.secure_channel(address, credentials, options)
    with make as channel:
        one: Any = channel.unary_unary("/test.Who/One")
        try:
            return str(one(b"?", timeout=5))
        except grpc.RpcError as problem:
            return cast(grpc.Call, problem).code().name


@pytest.mark.parametrize("prefix", [CLIENT_URI_PREFIX, INNER_URI_PREFIX])
def test_other_local_programs_get_nothing_from_an_inner_socket(front: RunningFront, prefix: str) -> None:
    root = front.inner.certificate_of("worker-0").read_bytes()
    pair = make_client(make_authority("front"), "channel", prefix + "channel")
    assert _try_directly(front, None) == "UNAVAILABLE"
    assert _try_directly(front, grpc.ssl_channel_credentials(root)) == "UNAVAILABLE"
    with_certificate = grpc.ssl_channel_credentials(root, pair.key_pem, pair.certificate_pem)
    assert _try_directly(front, with_certificate) == "UNAVAILABLE"


def test_only_the_fronts_authority_of_this_moment_counts(front: RunningFront) -> None:
    root = front.inner.certificate_of("worker-0").read_bytes()
    pair = front.front._hop.authority.client("channel")
    credentials = grpc.ssl_channel_credentials(root, pair.key_pem, pair.certificate_pem)
    assert _try_directly(front, credentials) == "b'channel ?'"
    front.inner.authority.write_bytes(make_authority("front").certificate_pem)  # as another front would
    assert _try_directly(front, credentials) == "UNAVAILABLE"


def test_nobody_else_can_enter_the_directory(front: RunningFront) -> None:
    assert stat.S_IMODE(front.inner.path.stat().st_mode) == 0o700
    assert {file.suffix for file in front.inner.path.iterdir()} == {".pem", ".sock"}
    assert not any(b"PRIVATE" in file.read_bytes() for file in front.inner.path.glob("*.pem"))


def test_what_a_killed_appliance_left_is_nobody(tmp_path: Path) -> None:
    inner = InnerDirectory(tmp_path / "inner")
    inner.make(["worker-0", "worker-1"])
    inner.authority.write_bytes(b"old")
    inner.make(["worker-0", "worker-1"])
    assert list(inner.path.iterdir()) == []


def test_too_long_a_path_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too long a path"):
        InnerDirectory(tmp_path / ("x" * 120)).make(["worker-0"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("SUITE_GCM", "TLS_AES_128_GCM_SHA256"),
        ("GROUP_SM2", "X25519:curveSM2"),
        ("SIGNATURE_ALGORITHM", "rsa_pss_rsae_sha256"),
    ],
)
def test_a_library_that_did_something_else_would_be_found(
    monkeypatch: pytest.MonkeyPatch, constant: str, value: str
) -> None:
    """As if the private bindings had changed their meaning: the contexts are made with another setting than is asked for."""
    monkeypatch.setattr(f"signer.smtls.context.{constant}", value)
    with pytest.raises(SmTlsError) as caught:
        prove_tls(SmTlsSettings())
    assert caught.value.reason in {SmTlsReason.LIBRARY_UNFIT, SmTlsReason.PROTOCOL}


def test_a_server_that_refused_nobody_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from signer.smtls import Credentials, server_context

    def lax(settings: SmTlsSettings, credentials: Credentials) -> Any:
        from OpenSSL import SSL

        context = server_context(settings, credentials)
        context.set_verify(SSL.VERIFY_NONE)
        return context

    monkeypatch.setattr(self_test, "server_context", lax)
    with pytest.raises(SmTlsError, match="was not refused"):
        prove_tls(SmTlsSettings())
