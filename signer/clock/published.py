"""The watch's verdict in a file, and the guard that signing processes keep before every use of a key.

The guard compares the clocks itself, too: a step is refused at once, not only when the watch has seen it. Fails closed: no
verdict, or an old one, is a clock that nobody watches.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from signer.clock import clocks
from signer.clock.judge import LEAST_STEP_S
from signer.errors import ApplianceError, Reason

_LOOK_EVERY_S = 0.2
_STALE_AFTER_S = 10.0
_RETRY_S = 1.0


@dataclass(frozen=True)
class Verdict:
    """`offset`: the time of day less the time since boot; `published`: time since boot, in seconds. `troubles`: none where the clock
    may be believed. `sources`: what each said last, for people.
    """

    offset: float
    published: float
    troubles: tuple[str, ...]
    sources: dict[str, str]

    def publish(self, file: Path) -> None:
        """Replaces the file in one step; it need not outlive the machine's run. Raises OSError."""
        temporary = file.with_name(f".{file.name}.new")
        temporary.write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")
        temporary.replace(file)


def read_verdict(file: Path) -> Verdict | None:
    """The last one, None where there is none that can be read."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return Verdict(
            float(values["offset"]), float(values["published"]), tuple(values["troubles"]), dict(values["sources"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class TrustedClock:
    """Asked before every use of a key, from any thread: two system calls, and a look at the file five times a second."""

    def __init__(
        self, file: Path, wall: Callable[[], float] = clocks.wall, boot: Callable[[], float] = clocks.since_boot
    ) -> None:
        self._file = file
        self._wall = wall
        self._boot = boot
        self._read_at = float("-inf")
        self._verdict: Verdict | None = None

    def check(self) -> None:
        """Returns where the time of day may be believed.

        Raises:
            ApplianceError: CLOCK_NOT_TRUSTED, with the reasons.
        """
        boot, wall = self._boot(), self._wall()
        if boot > self._read_at + _LOOK_EVERY_S:
            self._verdict, self._read_at = read_verdict(self._file), boot
        if troubles := self._troubles(wall, boot):
            raise ApplianceError(
                Reason.CLOCK_NOT_TRUSTED,
                f"the appliance's clock is not to be believed ({', '.join(troubles)}); nothing is signed",
                "Set the clock right; signer clock status tells more. Signing goes on by itself then.",
                retry_after=_RETRY_S,
            )

    def _troubles(self, wall: float, boot: float) -> tuple[str, ...]:
        verdict = self._verdict
        if verdict is None or not verdict.published - 1 <= boot <= verdict.published + _STALE_AFTER_S:
            return ("nobody watches it",)
        if abs(wall - boot - verdict.offset) >= LEAST_STEP_S:
            return (*verdict.troubles, "it was just set")
        return verdict.troubles
