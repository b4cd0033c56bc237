"""A worker's TLS on the inner hop: its own throw-away certificate, and the front's authority of this moment as the only trust."""

from __future__ import annotations

import threading

import grpc

from signer.certificates.tls import make_authority
from signer.transport.smtls.inner import InnerDirectory, make_worker_server, publish


def inner_credentials(directory: InnerDirectory, worker: str) -> grpc.ServerCredentials:
    """Mutual TLS that follows the front: when it restarts it has a new authority, and the old one is nobody from then on.

    Publishes the authority of this worker's certificate. Until a front has published its own, nobody can connect.
    """
    server, own_authority = make_worker_server(worker)
    pairs = [(server.key_pem, server.certificate_pem)]
    follower = _AuthorityFollower(directory, pairs)
    nobody = make_authority("nobody").certificate_pem
    credentials = grpc.dynamic_ssl_server_credentials(
        grpc.ssl_server_certificate_configuration(pairs, root_certificates=nobody),
        follower.fetch,  # type: ignore[arg-type]  # None means "unchanged" (its documentation); the stubs forget that
        require_client_authentication=True,
    )
    publish(directory.certificate_of(worker), own_authority)
    return credentials


class _AuthorityFollower:
    """Called by gRPC before each handshake, from its own threads."""

    def __init__(self, directory: InnerDirectory, pairs: list[tuple[bytes, bytes]]) -> None:
        self._file = directory.authority
        self._pairs = pairs
        self._seen = (0, 0)
        self._lock = threading.Lock()

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """The configuration with the front's present authority; None where it hasn't changed."""
        try:
            state = self._file.stat()
            seen = (state.st_mtime_ns, state.st_ino)
            with self._lock:
                if seen == self._seen:
                    return None
                authority = self._file.read_bytes()
                self._seen = seen
        except OSError:
            return None
        return grpc.ssl_server_certificate_configuration(self._pairs, root_certificates=authority)
