"""The trust anchors: every certificate in a directory of PEM files. Who is trusted is decided by who may write there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from asn1crypto import pem

from signer.certificates.certificate import Certificate
from signer.errors import ConfigurationError, Reason, RequestError


@dataclass(frozen=True)
class TrustStoreConfig:
    """`directory`: holds *.pem files, each with one or more certificates."""

    directory: Path


@dataclass(frozen=True)
class TrustStore:
    """Anchors by subject name (DER). `judged` is `path`'s memory of paths that were found good."""

    anchors: tuple[Certificate, ...]
    judged: dict[bytes, object] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_config(cls, config: TrustStoreConfig) -> TrustStore:
        """Reads every file.

        Raises:
            ConfigurationError: the directory is missing or empty, or a file can't be used; says which.
        """
        files = sorted(config.directory.glob("*.pem"))
        if not files:
            raise ConfigurationError(
                Reason.START_FAILED, f"{config.directory}: no *.pem files", "Put the trust anchors' certificates there."
            )
        return cls(tuple(anchor for file in files for anchor in _read_file(file)))


def _read_file(file: Path) -> list[Certificate]:
    try:
        return [Certificate.load(der) for _, _, der in pem.unarmor(file.read_bytes(), multiple=True)]
    except (OSError, ValueError, RequestError):
        raise ConfigurationError(
            Reason.START_FAILED, f"{file}: not PEM with certificates", "Correct the file or take it out of the directory."
        ) from None
