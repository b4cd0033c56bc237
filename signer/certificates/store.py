"""The trust anchors: every certificate in a directory of PEM files. Who is trusted is decided by who may write there.

Not for certificates that merely help to find a path: those come with the signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from asn1crypto import pem

from signer.certificates.certificate import Certificate
from signer.certificates.evidence import PathEvidence
from signer.errors import ConfigurationError, Reason, RequestError


@dataclass(frozen=True)
class TrustStoreConfig:
    """`directory`: holds *.pem files, each with one or more certificates."""

    directory: Path


@dataclass(frozen=True)
class TrustStore:
    """The anchors. `judged`: `path`'s memory of the paths to them that were found good."""

    anchors: tuple[Certificate, ...]
    judged: dict[bytes, PathEvidence] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_config(cls, config: TrustStoreConfig) -> TrustStore:
        """Reads every file; the same certificate in several files counts once.

        Raises:
            ConfigurationError: START_FAILED; the directory is missing or empty, or a file can't be used. Says which.
        """
        files = sorted(config.directory.glob("*.pem"))
        if not files:
            raise ConfigurationError(
                Reason.START_FAILED, f"{config.directory}: no *.pem files", "Put the trust anchors' certificates there."
            )
        return cls.from_files(files)

    @classmethod
    def from_files(cls, files: Sequence[Path]) -> TrustStore:
        """The certificates of some PEM files. Raises ConfigurationError as `from_config`."""
        anchors = {anchor.der: anchor for file in files for anchor in read_certificates(file)}
        return cls(tuple(anchors.values()))


def read_certificates(file: Path) -> list[Certificate]:
    """Every certificate of a PEM file, at least one. Raises ConfigurationError (START_FAILED)."""
    try:
        blocks = list(pem.unarmor(file.read_bytes(), multiple=True))
    except OSError as problem:
        raise _unusable(file, problem.strerror or "can't be read") from None
    except ValueError:
        raise _unusable(file, "no PEM in it") from None
    found = []
    for number, (kind, _, der) in enumerate(blocks, start=1):
        if kind != "CERTIFICATE":
            raise _unusable(file, f"block {number} is not a certificate but {kind}")
        try:
            found.append(Certificate.load(der))
        except RequestError as problem:
            raise _unusable(file, f"block {number}: {problem.message}") from None
    return found


def earliest_expiry(file: Path) -> datetime:
    """When the first of a PEM file's certificates expires. Raises ConfigurationError as `read_certificates`."""
    return min(certificate.not_after for certificate in read_certificates(file))


def _unusable(file: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        Reason.START_FAILED, f"{file}: {what}", "Correct the file, or take it out of the directory."
    )
