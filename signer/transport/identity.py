"""The client's identity, read from the certificate that TLS verified. Metadata is never trusted for this.

Each listener has its own form of the name, so that a certificate made for one is nobody on the other, whoever issued it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from signer.errors import AccessError, Reason

if TYPE_CHECKING:  # the names that it checks are used by processes without gRPC, too
    import grpc

# The one URI SAN (RFC 5280, 4.2.1.6) by which a client certificate names its holder, on the LAN and on the public listener.
CLIENT_URI_PREFIX = "urn:signer:client:"
# The front's own form, in the certificate that it makes for each connection of a client that it has verified.
INNER_URI_PREFIX = "urn:signer:inner-client:"
# Names of the front's self-test; no certificate from outside can bear one.
RESERVED_PREFIX = "self-test."
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Listener(Enum):
    """Where a call came in; the value is the form of names believed there."""

    LAN = CLIENT_URI_PREFIX
    INNER = INNER_URI_PREFIX


@dataclass(frozen=True)
class Caller:
    """Who calls. `address`: its IP address as text, empty where there is none."""

    name: str
    address: str


Identify = Callable[["grpc.ServicerContext"], Caller]


def lan_caller(context: grpc.ServicerContext) -> Caller:
    """On the LAN listener with mutual TLS. Raises AccessError (CLIENT_UNIDENTIFIED)."""
    return Caller(client_of(_auth_context(context), Listener.LAN), address_of(context.peer()))


def inner_caller(context: grpc.ServicerContext) -> Caller:
    """On the inner hop: both as the front put them into the connection's certificate. Raises as `lan_caller`."""
    values = _auth_context(context)
    address = next(iter(values.get("peer_ip", ())), b"")
    return Caller(client_of(values, Listener.INNER), address.decode("ascii", "replace"))


def plain_caller(name: str) -> Identify:
    """On a listener without TLS, whose callers are all taken for one client, by configuration."""
    return lambda context: Caller(name, address_of(context.peer()))


def address_of(peer: str) -> str:
    """The IP address in gRPC's "ipv4:192.0.2.1:50000" or "ipv6:%5B2001:db8::1%5D:50000"; empty for other forms."""
    family, _, rest = peer.partition(":")
    if family not in {"ipv4", "ipv6"}:
        return ""
    return unquote(rest.rpartition(":")[0]).strip("[]")


def _auth_context(context: grpc.ServicerContext) -> Mapping[str, list[bytes]]:
    return cast(Mapping[str, list[bytes]], context.auth_context())  # the stubs forget that values are lists


def client_of(auth_context: Mapping[str, Iterable[bytes]], listener: Listener = Listener.LAN) -> str:
    """The client's name from `grpc.ServicerContext.auth_context()`.

    Raises:
        AccessError: CLIENT_UNIDENTIFIED, when there is no certificate or it doesn't name exactly one client.
    """
    return client_name((uri.decode("ascii", "replace") for uri in auth_context.get("peer_uri", ())), listener.value)


def client_name(uris: Iterable[str], prefix: str = CLIENT_URI_PREFIX) -> str:
    """The name in a certificate's URI names, of which exactly one must have the prefix. Raises as `client_of`."""
    names = [uri.removeprefix(prefix) for uri in uris if uri.startswith(prefix)]
    if len(names) != 1 or not _NAME.fullmatch(names[0]):
        raise AccessError(
            Reason.CLIENT_UNIDENTIFIED,
            "the client certificate does not name a client",
            f"Use a certificate with one URI name of the form {CLIENT_URI_PREFIX}NAME.",
        )
    return names[0]
