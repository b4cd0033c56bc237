"""Whose seal goes onto documents, as read from configuration. Draws and signs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signer.errors import ConfigurationError, Reason

_MAX_SEAL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ElectronicSealConfig:
    """An electronic seal of GB/T 38540 (SESeal, DER) and the names under which PDFs carry signatures with it.

    GM/T 0112-2021 fixes those names; its text was not at hand, so they are configuration: the defaults are names met in the field.
    """

    file: Path
    handler: str
    subfilter: str

    def load(self) -> bytes:
        """The file's content, not judged. Raises ConfigurationError."""
        try:
            content = self.file.read_bytes()
        except OSError as problem:
            raise ConfigurationError(
                Reason.START_FAILED, f"{self.file}: {problem.strerror}", "Have the seal maker make it."
            ) from None
        if not 0 < len(content) <= _MAX_SEAL_BYTES:
            raise ConfigurationError(Reason.START_FAILED, f"{self.file}: not an electronic seal", "Restore the file.")
        return content


@dataclass(frozen=True)
class SealConfig:
    """`company`: on the arc of the seal. `caption`: the line below the star. `default_key`, `default_profile`: where a request names none.

    `picture`: a PNG or SVG that every seal shows, None: the drawn seal. `pictures`: of single keys, by their names.
    `electronic` None: no seals of GB/T 38540 are made. `crl_directory` None: nor such as can be verified in years (PAdES B-LT, B-LTA).
    """

    company: str
    caption: str
    default_key: str
    default_profile: str
    electronic: ElectronicSealConfig | None
    crl_directory: Path | None
    picture: Path | None = None
    pictures: Mapping[str, Path] = field(default_factory=dict)
