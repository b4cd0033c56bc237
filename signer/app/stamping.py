"""Joins what has to do with timestamps: our own authority, the outside one, and whom to believe about time."""

from __future__ import annotations

from dataclasses import dataclass

from signer.app.timestamp_client import ask_authority
from signer.certificates import TrustStore
from signer.certificates.store import read_certificates
from signer.documents.timestamp_authority import TimestampAuthority
from signer.documents.timestamp_source import OutsideTimestamps, OwnTimestamps, TimestampSource
from signer.documents.timestamps_config import OutsideAuthorityConfig, TimestampsConfig
from signer.keys.registry import KeyRegistry
from signer.signing import Signer


@dataclass(frozen=True)
class Stamping:
    """`authority` None: this appliance is none. `source` None: nobody may stamp our seals. `trust`: anchors of timestamps."""

    authority: TimestampAuthority | None
    source: TimestampSource | None
    trust: TrustStore

    @classmethod
    def from_config(
        cls, config: TimestampsConfig, registry: KeyRegistry, signer: Signer, trust: TrustStore
    ) -> Stamping:
        """Raises ConfigurationError for keys or anchors that can't be used."""
        authority = None if config.own is None else TimestampAuthority(config.own, registry, signer)
        source: TimestampSource | None = None
        if config.outside is not None:
            trust = TrustStore((*trust.anchors, *read_certificates(config.outside.anchors)))
            source = OutsideTimestamps(config.outside, _ask, trust)
        elif authority is not None and config.own_suffices:
            source = OwnTimestamps(authority, trust)
        return cls(authority, source, trust)


def _ask(config: OutsideAuthorityConfig, request: bytes, seconds: float) -> bytes:
    return ask_authority(config.url, request, seconds=seconds, tls_authority=config.tls_authority)
