"""The gRPC servers of a worker, each with its own gate: the LAN listener, and the inner hop of the public one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import grpc

from monitoring import metrics
from signer.audit.log_client import LogClient
from signer.authz import Grants
from signer.config import ApplianceConfig
from signer.transport.gate import Gate
from signer.transport.identity import Identify, inner_caller, lan_caller, plain_caller
from signer.transport.interceptor import CallInterceptor
from signer.transport.listener_config import InnerListenerConfig
from signer.transport.server import GrpcServer
from signer.transport.smtls.listener_config import PublicListenerConfig

_log = logging.getLogger(__name__)
Register = Callable[[grpc.Server], Sequence[str]]


def make_servers(
    config: ApplianceConfig, worker: str, grants: Grants, log: LogClient, register: Register
) -> tuple[GrpcServer, ...]:
    """Bound to their addresses, not started. Raises ConfigurationError (PORT_IN_USE, START_FAILED)."""
    servers = [_lan_server(config, grants, log, register)]
    if config.public is not None:
        servers.append(_inner_server(config, config.public, worker, grants, log, register))
    return tuple(servers)


def _lan_server(config: ApplianceConfig, grants: Grants, log: LogClient, register: Register) -> GrpcServer:
    listener = config.listener
    identify: Identify = lan_caller
    if listener.tls is None:
        identify = plain_caller(listener.plain_client)
        _log.warning("the LAN listener is plain", extra={"fields": {"client": listener.plain_client}})
    metrics.listener_info.labels("lan", listener.transport).set(1)
    return GrpcServer.from_config(
        listener,
        interceptors=[CallInterceptor(Gate(grants, listener.threads, listener.waiting), identify, log)],
        register=register,
        with_reflection=not config.production,
    )


def _inner_server(
    config: ApplianceConfig,
    public: PublicListenerConfig,
    worker: str,
    grants: Grants,
    log: LogClient,
    register: Register,
) -> GrpcServer:
    metrics.listener_info.labels("public", "sm-tls").set(1)
    inner = InnerListenerConfig(
        config.inner_directory,
        public.threads,
        public.waiting,
        public.limits.connection_seconds,
        public.limits.idle_seconds,
    )
    return GrpcServer.for_inner_hop(
        inner,
        worker,
        interceptors=[CallInterceptor(Gate(grants, public.threads, public.waiting), inner_caller, log)],
        register=register,
    )
