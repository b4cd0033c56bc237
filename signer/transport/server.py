"""The gRPC servers of one worker: thread pool, mutual TLS, limits, health, reflection, graceful drain. LAN and inner hop.

Several workers listen on the same port (SO_REUSEPORT); the supervisor has checked that it is free. Not for which services
exist: the composition root registers them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from signer.errors import ConfigurationError, Reason
from signer.transport.gate import pool_threads
from signer.transport.listener_config import InnerListenerConfig, ListenerConfig, TlsFiles
from signer.transport.smtls.identity_echo import IdentityEcho
from signer.transport.smtls.inner_credentials import inner_credentials
from signer.transport.smtls.limits import GRACE_SECONDS

MAX_REQUEST_BYTES = 32 * 1024 * 1024
# A document of 32 MiB comes in a message with a few more fields around it.
_MESSAGE_OVERHEAD = 64 * 1024


@dataclass(frozen=True)
class _Bound:
    """Where a server listens, and how."""

    address: str
    credentials: grpc.ServerCredentials | None
    pool_threads: int
    options: dict[str, int]


class GrpcServer:
    """One worker's server."""

    def __init__(self, server: grpc.Server, health_servicer: health.HealthServicer, services: Sequence[str]) -> None:
        self._server = server
        self._health = health_servicer
        self._services = services

    @classmethod
    def from_config(
        cls,
        config: ListenerConfig,
        *,
        interceptors: Sequence[grpc.ServerInterceptor],
        register: Callable[[grpc.Server], Sequence[str]],
        with_reflection: bool,
    ) -> GrpcServer:
        """Builds the server; `register` adds the services and returns their full names.

        Raises:
            ConfigurationError: PORT_IN_USE, or a certificate file that can't be used.
        """
        bound = _Bound(
            config.address,
            None if config.tls is None else _credentials(config.tls),
            pool_threads(config.threads, config.waiting),
            _options(),
        )
        return cls._build(bound, interceptors, register, with_reflection)

    @classmethod
    def for_inner_hop(
        cls,
        config: InnerListenerConfig,
        worker: str,
        *,
        interceptors: Sequence[grpc.ServerInterceptor],
        register: Callable[[grpc.Server], Sequence[str]],
    ) -> GrpcServer:
        """The server on a unix socket that the front alone can use. It has threads of its own: whatever the public
        listener is loaded with, the LAN listener's are not waiting behind it.

        Raises:
            ConfigurationError: START_FAILED, when the socket can't be made.
        """
        credentials = inner_credentials(config.directory, worker)
        address = f"unix:{config.directory.socket_of(worker)}"
        options = {
            **_options(),
            # grpc says GOAWAY in time: calls under way end, the next ones come on a new connection
            "grpc.max_connection_age_ms": int(config.connection_seconds * 1000),
            "grpc.max_connection_age_grace_ms": int(GRACE_SECONDS * 1000),
            "grpc.max_connection_idle_ms": int(config.idle_seconds * 1000),
        }

        def register_all(server: grpc.Server) -> Sequence[str]:
            server.add_generic_rpc_handlers((IdentityEcho(),))
            return register(server)

        built = cls._build(
            _Bound(address, credentials, pool_threads(config.threads, config.waiting), options),
            interceptors,
            register_all,
            with_reflection=False,
        )
        # Where the front has a user of its own it shares our group; the directory lets nobody else near.
        config.directory.socket_of(worker).chmod(0o660)
        return built

    @classmethod
    def _build(
        cls,
        bound: _Bound,
        interceptors: Sequence[grpc.ServerInterceptor],
        register: Callable[[grpc.Server], Sequence[str]],
        with_reflection: bool,
    ) -> GrpcServer:
        server = grpc.server(
            # More threads than calls run or wait: one is always free to refuse the next call at once.
            ThreadPoolExecutor(bound.pool_threads, thread_name_prefix="rpc"),
            interceptors=list(interceptors),
            options=list(bound.options.items()),
            maximum_concurrent_rpcs=bound.pool_threads * 4,
        )
        services = list(register(server))
        health_servicer = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        if with_reflection:
            reflection.enable_server_reflection([*services, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        built = cls(server, health_servicer, services)
        built.set_serving(False)
        try:
            if bound.credentials is None:
                server.add_insecure_port(bound.address)
            else:
                server.add_secure_port(bound.address, bound.credentials)
        except RuntimeError:
            raise ConfigurationError(
                Reason.PORT_IN_USE, f"can't listen on {bound.address}", "End what listens there, or take another port."
            ) from None
        return built

    def start(self) -> None:
        """Begins to accept calls."""
        self._server.start()

    def set_serving(self, serving: bool) -> None:
        """What grpc.health.v1 answers, for the server and each service."""
        state = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._services):
            self._health.set(name, state)

    def begin_drain(self, grace: float) -> threading.Event:
        """Refuses new calls, lets the running ones go on up to `grace` seconds, then cancels them. Set when it is over."""
        self._health.enter_graceful_shutdown()
        return self._server.stop(grace)


def _options() -> dict[str, int]:
    limit = MAX_REQUEST_BYTES + _MESSAGE_OVERHEAD
    return {
        "grpc.so_reuseport": 1,
        # Beyond this many calls not yet taken up, grpc cancels calls at random, everybody's: one peer's flood of opened and
        # reset streams (CVE-2023-44487) would be everybody's loss. Opened streams are bounded per peer instead.
        "grpc.server.max_pending_requests": 20_000,
        "grpc.server.max_pending_requests_hard_limit": 40_000,
        "grpc.max_receive_message_length": limit,
        "grpc.max_send_message_length": limit,
        "grpc.max_metadata_size": 16 * 1024,
        # What one connection has under way; its further calls wait at the client, where they cost nothing here.
        "grpc.max_concurrent_streams": 128,
        "grpc.keepalive_time_ms": 60_000,
        "grpc.keepalive_timeout_ms": 20_000,
        "grpc.http2.min_ping_interval_without_data_ms": 30_000,
        "grpc.max_connection_age_ms": 60 * 60 * 1000,
        "grpc.max_connection_age_grace_ms": 5 * 60 * 1000,
    }


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    try:
        key, certificate, authority = (
            file.read_bytes() for file in (files.key, files.certificate, files.client_authority)
        )
    except OSError as problem:
        raise ConfigurationError(
            Reason.START_FAILED, f"{problem.filename}: can't be read", "Give readable PEM files for the listener."
        ) from None
    return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
