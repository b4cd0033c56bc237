"""The client's identity, read from the certificate that TLS verified. Metadata is never trusted for this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from signer.errors import AccessError, Reason

# The one URI SAN (RFC 5280, 4.2.1.6) by which a client certificate names its holder.
CLIENT_URI_PREFIX = "urn:signer:client:"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def client_of(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """The client's name from `grpc.ServicerContext.auth_context()`.

    Raises:
        AccessError: CLIENT_UNIDENTIFIED, when there is no certificate or it doesn't name exactly one client.
    """
    uris = [uri.decode("ascii", "replace") for uri in auth_context.get("peer_uri", ())]
    names = [uri.removeprefix(CLIENT_URI_PREFIX) for uri in uris if uri.startswith(CLIENT_URI_PREFIX)]
    if len(names) != 1 or not _NAME.fullmatch(names[0]):
        raise AccessError(
            Reason.CLIENT_UNIDENTIFIED,
            "the client certificate does not name a client",
            f"Use a certificate with one URI name of the form {CLIENT_URI_PREFIX}NAME.",
        )
    return names[0]
