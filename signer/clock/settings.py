"""What can be configured of the watch over the clock. Not the reading of files: `signer.config.clock`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClockConfig:
    """`sources`: "kernel", or ntp://HOST[:PORT]; more than half of them must agree with the clock. Seconds:

    `max_difference`: from the sources; `ask_every`: between two questions; `unconfirmed`: for how long the sources may be silent
    once they agreed. `published_file`: where the verdict stands for the signing processes. `memory_file`: the latest time that was
    believed, kept over restarts.
    """

    sources: tuple[str, ...]
    max_difference: float
    ask_every: int
    unconfirmed: int
    published_file: Path
    memory_file: Path

    @property
    def acceptance_file(self) -> Path:
        """By its presence an administrator accepts a clock that was set back."""
        return self.memory_file.with_name(self.memory_file.name + ".accept")
