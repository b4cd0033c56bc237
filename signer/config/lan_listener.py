"""[listener.lan] of signer.toml → ListenerConfig. Mutual TLS, unless the file names a private address and says `transport = "plain"`."""

from __future__ import annotations

from signer.authz.grants_file import CLIENT_NAME
from signer.config.private_address import check_private
from signer.strict_toml import StrictTable
from signer.transport.listener_config import ListenerConfig, TlsFiles


def read_lan_listener(table: StrictTable) -> ListenerConfig:
    """Reads the table. `plain_client`: whom all callers of a plain listener are taken for.

    Raises:
        ConfigurationError: as `load_config`; plain on an address that is not one private address of this machine.
    """
    transport = table.string("transport", "mutual-tls", one_of=("mutual-tls", "plain"))
    host = table.string("host", "127.0.0.1")
    tls, plain_client = None, ""
    if transport == "plain":
        check_private(table, host, needed_by='transport = "plain"')
        plain_client = table.string("plain_client")
        if not CLIENT_NAME.fullmatch(plain_client):
            raise table.fault("plain_client", f"{plain_client!r} is not a client name")
    else:
        tls = TlsFiles(table.path("certificate"), table.path("key"), table.path("client_authority"))
    config = ListenerConfig(
        host=host,
        port=table.integer("port", 7443, low=1, high=65535),
        tls=tls,
        plain_client=plain_client,
        workers=table.integer("workers", 2, low=1, high=256),
        threads=table.integer("threads", 32, low=1, high=256),
        waiting=table.integer("waiting", 64, low=0, high=1024),
        drain_seconds=table.integer("drain_seconds", 30, low=0, high=600),
    )
    table.finish()
    return config
