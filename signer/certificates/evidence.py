"""What the judgement of a certificate path yields. Not the judging: that is `path`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signer.certificates.certificate import Certificate


@dataclass(frozen=True)
class PathEvidence:
    """The certificates from the leaf to the anchor (both included), and when all of them are valid."""

    chain: tuple[Certificate, ...]
    not_before: datetime
    not_after: datetime

    @classmethod
    def of(cls, chain: tuple[Certificate, ...]) -> PathEvidence:
        """The evidence of a chain that was judged."""
        return cls(chain, max(item.not_before for item in chain), min(item.not_after for item in chain))
