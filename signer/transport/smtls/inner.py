"""The inner hop's files and certificates: what the front and the workers leave for each other in one 0700 directory.

Each side keeps its keys in memory and publishes certificates only: the front its inner authority, each worker an authority that
has issued one server certificate and whose key was then forgotten. Ordinary TLS 1.3; the hop never leaves the machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from signer.certificates.tls import TlsPair, make_authority, make_client, make_server
from signer.errors import ConfigurationError, Reason
from signer.transport.identity import INNER_URI_PREFIX

# What `identity_echo` in a worker answers and `identity_proof` in the front asks.
ASK_ONE = "/signer.inner.Identity/AskOne"
ASK_MANY = "/signer.inner.Identity/AskMany"
# Long enough for the inner handshake on a machine that is very busy; nobody needs the certificate after that.
_CLIENT_VALID = timedelta(minutes=5)
_LONGEST_SOCKET_PATH = 107  # sockaddr_un (unix(7)), with its zero byte


def caller_answer(name: str, address: str) -> bytes:
    """What the worker must answer to a caller of this name and IP address."""
    return f"{name} {address}".encode("ascii")


@dataclass(frozen=True)
class InnerDirectory:
    """Where front and workers meet."""

    path: Path

    def make(self, workers: Sequence[str]) -> None:
        """Creates it for us alone; called before any of them starts. `workers`: their names.

        Raises:
            ConfigurationError: START_FAILED; its path is too long for sockets in it.
        """
        longest = max(len(os.fsencode(self.socket_of(worker))) for worker in workers)
        if longest > _LONGEST_SOCKET_PATH:
            raise ConfigurationError(
                Reason.START_FAILED, f"{self.path}: too long a path for unix sockets", "Use a shorter run_directory."
            )
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        for left_over in self.path.iterdir():  # of a killed appliance: nobody must trust or reach what they name
            left_over.unlink()

    @property
    def authority(self) -> Path:
        """The front's inner authority, PEM."""
        return self.path / "front.pem"

    def socket_of(self, worker: str) -> Path:
        """Where a worker listens."""
        return self.path / f"{worker}.sock"

    def certificate_of(self, worker: str) -> Path:
        """The authority that issued a worker's server certificate, PEM."""
        return self.path / f"{worker}.pem"


def publish(file: Path, certificate_pem: bytes) -> None:
    """Replaces a certificate at once: readers see the old one or the new one."""
    temporary = file.with_suffix(".new")
    temporary.write_bytes(certificate_pem)
    temporary.replace(file)


class InnerAuthority:
    """Makes the certificates by which the front tells workers who calls. The key exists in this object only."""

    def __init__(self) -> None:
        self._pair = make_authority("front")

    @property
    def certificate_pem(self) -> bytes:
        """What workers trust."""
        return self._pair.certificate_pem

    def client(self, name: str, prefix: str = INNER_URI_PREFIX, *, address: str = "") -> TlsPair:
        """A certificate for one connection of one verified peer, which comes from this IP address.

        `prefix`: another form, for proving that it is refused.
        """
        return make_client(self._pair, "peer", prefix + name, address=address, valid=_CLIENT_VALID)


def make_worker_server(worker: str) -> tuple[TlsPair, bytes]:
    """A worker's server certificate, and the authority that issued it, PEM; that one's key is gone when this returns."""
    authority = make_authority(worker)
    return make_server(authority, worker), authority.certificate_pem
