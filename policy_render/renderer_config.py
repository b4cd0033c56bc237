"""Where the renderer pool is, as read from configuration. Loads no templates: processes that render nothing read it, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RendererConfig:
    """`socket`: where the pool listens. `verification_url`: what the QR code leads to; part of what a document's bytes depend on."""

    socket: Path
    verification_url: str
