"""TLS 1.3 with the Chinese suites (RFC 8998), as both ends use it: contexts, and one connection as bytes in, bytes out.

Knows neither the appliance nor gRPC: `signer.transport.smtls` is the server's end, `signer.client` the client's.
"""

from signer.smtls.context import Credentials, SmTlsSettings, client_context, server_context
from signer.smtls.errors import SmTlsError, SmTlsReason
from signer.smtls.relay import Leg, join
from signer.smtls.stream import TlsStream

__all__ = [
    "Credentials",
    "Leg",
    "SmTlsError",
    "SmTlsReason",
    "SmTlsSettings",
    "TlsStream",
    "client_context",
    "join",
    "server_context",
]
