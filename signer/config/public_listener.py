"""The [public_listener] table → PublicListenerConfig. Every field is documented beside its reader."""

from __future__ import annotations

from signer.strict_toml import StrictTable
from signer.transport.smtls.limits import PublicLimits
from signer.transport.smtls.listener_config import MaterialFiles, PublicListenerConfig


def read_public_listener(table: StrictTable, *, production: bool) -> PublicListenerConfig:
    """`certificate`, `key`: SM2, PEM. `client_authority`: who issues the clients' SM2 certificates. `crl_directory`: their CRLs.

    `ccm`, `hybrid_group`: see `SmTlsSettings`. Limits: see `PublicLimits`; 0 bytes a second: no limit.

    Raises:
        ConfigurationError: as `load_config`.
    """
    limits = PublicLimits(
        connections=table.integer("max_connections", 1000, low=1, high=20_000),
        connections_per_address=table.integer("max_connections_per_address", 100, low=1, high=20_000),
        handshakes=table.integer("max_handshakes", 64, low=1, high=10_000),
        handshake_seconds=table.integer("handshake_seconds", 10, low=1, high=60),
        connection_seconds=table.integer("max_connection_seconds", 3600, low=10, high=86_400),
        idle_seconds=table.integer("max_idle_seconds", 600, low=5, high=86_400),
        bytes_per_second=table.integer("max_bytes_per_second_per_client", 0, low=0, high=1 << 40),
    )
    config = PublicListenerConfig(
        host=table.string("host", "127.0.0.1"),
        port=table.integer("port", 7444, low=1, high=65535),
        files=_read_files(table, production=production),
        ccm=table.boolean("ccm", False),
        hybrid=table.boolean("hybrid_group", False),
        limits=limits,
        threads=table.integer("threads", 32, low=1, high=256),
        waiting=table.integer("waiting", 64, low=0, high=1024),
    )
    table.finish()
    return config


def _read_files(table: StrictTable, *, production: bool) -> MaterialFiles:
    crl_directory = table.string("crl_directory", "")
    if production and not crl_directory:
        raise table.fault(
            None, 'mode = "production" needs crl_directory', "Keep the authorities' CRLs in a directory and name it."
        )
    return MaterialFiles(
        certificate=table.path("certificate"),
        key=table.path("key"),
        client_authority=table.path("client_authority"),
        crl_directory=(table.folder / crl_directory).resolve() if crl_directory else None,
    )
