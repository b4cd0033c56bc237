"""Everything that probes may look at, gathered by the composition root. Values where they are known, callables where looking may fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm.token_information import TokenInformation
from signer.audit.checkpoint import NoteKey
from signer.clock import ClockConfig
from signer.database.engine import Database
from signer.evidence.remote import RemoteAppliance


@dataclass(frozen=True)
class ListenerFacts:
    """A configured listener. `kind`: lan, public, portal, monitoring. `transport`: mutual-tls, plain, sm-tls, tls, loopback, http.

    `settings`: further ones.
    """

    kind: str
    transport: str
    host: str
    port: int
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ClientFiles:
    """PEM files of the client in whose name the pack is made."""

    authority: Path
    certificate: Path
    key: Path
    server_name: str


@dataclass(frozen=True)
class GrantSummary:
    """One client's grants without anything personal. `digest`: SM3 over all that they say."""

    client: str
    rpcs: int
    keys: tuple[str, ...]
    templates: int
    digest_signing: bool
    digest: str


@dataclass(frozen=True)
class GrantsSummary:
    """The grants in force. `required`: approvals that the configuration asks for; `approved`: how many there are."""

    version: int
    grants: int
    quotas: int
    required: int
    approved: int
    clients: tuple[GrantSummary, ...]


@dataclass(frozen=True)
class LogPlace:
    """Where the log lies. `key`: raises ConfigurationError where the public key can't be read."""

    origin: str
    folder: Path
    key: Callable[[], NoteKey]


@dataclass(frozen=True)
class Surroundings:
    """`previous_checkpoint`: from the pack before, None for a first one. `lock_file`: the pinned packages, where they are there."""

    production: bool
    company: str
    listeners: Sequence[ListenerFacts]
    client_files: ClientFiles
    read_grants: Callable[[], GrantsSummary]
    log: LogPlace
    previous_checkpoint: str | None
    open_database: Callable[[], Database]
    blobs_directory: Path
    read_token: Callable[[], TokenInformation]
    read_log_token: Callable[[], TokenInformation]
    state_file: Path
    configuration_files: Sequence[Path]
    lock_file: Path
    remote: RemoteAppliance
    metrics_page: Callable[[], str]
    drills_directory: Path
    clock: ClockConfig
    test_results: Path | None
