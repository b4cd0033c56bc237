"""The process that watches the clock: looks once a second, asks the sources, publishes its verdict, records what happens.

No key, no token, no client's bytes; it speaks to time sources, so that no process with a key has to. `python -m signer.app.clock_watch`.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from isolation.readiness import say_ready
from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log, metrics
from signer.app.child_process import SignalWait
from signer.app.process_reach import enter_clock_sandbox
from signer.audit import LogEntry
from signer.audit.log_client import LogClient
from signer.clock import ClockConfig, clocks
from signer.clock.judge import ClockEvent, ClockJudge, ClockRules, Trouble
from signer.clock.memory import forget_acceptance, is_accepted, recall, remember
from signer.clock.published import Verdict
from signer.clock.sources import ClockSource, Reading, SourceSilent, parse_source
from signer.config import load_config
from signer.deadline import Deadline
from signer.errors import SignerError

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0
_REMEMBER_EVERY_S = 10.0
_RECORD_WITHIN_S = 2.0
_Answer = Reading | str  # or why there is none


class ClockWatch:
    """Joins clocks, judge, sources, the published verdict and the log."""

    def __init__(self, config: ClockConfig, log: LogClient) -> None:
        self._config = config
        self._log = log
        self._sources = [parse_source(text) for text in config.sources]
        self._threads = ThreadPoolExecutor(max(1, len(self._sources)), thread_name_prefix="source")
        self._asked: list[Future[_Answer]] = []
        self._asked_at = float("-inf")
        self._said: dict[str, str] = {}
        self._unrecorded: list[ClockEvent] = []
        self._remembered_at = float("-inf")
        rules = ClockRules(len(self._sources), config.max_difference, config.unconfirmed)
        self._judge = ClockJudge(
            rules, wall=clocks.wall(), boot=clocks.since_boot(), remembered=recall(config.memory_file)
        )

    def look(self) -> None:
        """Once a second. Raises OSError when the verdict can't be published; the guards then refuse within seconds."""
        self._hear()
        if is_accepted(self._config.acceptance_file):
            self._unrecorded.append(self._judge.accept(clocks.wall()))
            forget_acceptance(self._config.acceptance_file)
        boot = clocks.since_boot()
        events = self._judge.look(clocks.wall(), boot)
        if not self._asked and (self._judge.wants_sources or boot > self._asked_at + self._config.ask_every):
            self._ask(boot)
        Verdict(self._judge.offset, boot, tuple(sorted(self._judge.troubles)), dict(self._said)).publish(
            self._config.published_file
        )
        for trouble in Trouble:
            metrics.clock_troubles.labels(trouble.value).set(trouble in self._judge.troubles)
        self._record(events)
        if boot > self._remembered_at + _REMEMBER_EVERY_S:
            self._remember(boot)

    def close(self) -> None:
        """Remembers the time; waits for no source."""
        with suppress(OSError):
            remember(self._config.memory_file, self._judge.latest)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remember(self, boot: float) -> None:
        self._remembered_at = boot
        try:
            remember(self._config.memory_file, self._judge.latest)
        except OSError as problem:  # a full disk stops signing by the log already
            _log.warning("the time can't be remembered", extra={"fields": {"problem": problem.strerror}})

    def _ask(self, boot: float) -> None:
        self._asked_at = boot
        self._asked = [self._threads.submit(_read, source) for source in self._sources]

    def _hear(self) -> None:
        if not self._asked or not all(future.done() for future in self._asked):
            return
        answers = [future.result() for future in self._asked]
        self._asked = []
        for source, answer in zip(self._sources, answers, strict=True):
            silent = isinstance(answer, str)
            self._said[source.name] = answer if isinstance(answer, str) else f"{answer.difference:+.3f} s"
            metrics.clock_source_answers.labels(source.name).set(not silent)
            if isinstance(answer, Reading):
                metrics.clock_difference_seconds.labels(source.name).set(answer.difference)
        self._judge.hear([answer for answer in answers if isinstance(answer, Reading)])

    def _record(self, events: Sequence[ClockEvent]) -> None:
        """What can't be recorded now is kept for the next look, in order."""
        for event in events:
            if event.kind == "clock-step":
                metrics.clock_steps.inc()
            _log.warning(event.kind, extra={"fields": {"detail": event.detail}})
        self._unrecorded += events
        if not self._unrecorded:
            return
        entries = [LogEntry(event.kind, detail=event.detail).encode() for event in self._unrecorded]
        try:
            self._log.append(entries, Deadline.after(_RECORD_WITHIN_S))
        except SignerError:
            return
        self._unrecorded = []


def _read(source: ClockSource) -> _Answer:
    try:
        return source.read()
    except SourceSilent as problem:
        return str(problem)


def main() -> int:
    """Watches until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    forbid_dumps_and_privileges()
    json_log.configure("clock")
    signals = SignalWait(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config)
        report = enter_clock_sandbox(config)
        watch = ClockWatch(config.clock, LogClient.from_config(config.log))
        watch.look()
    except (SignerError, OSError) as problem:
        _log.error(str(problem))
        return 1
    say_ready(options.ready_fd, report)
    while signals.wait(_LOOK_EVERY_S) is None:
        try:
            watch.look()
        except OSError as problem:
            _log.error("the verdict on the clock can't be published", extra={"fields": {"problem": problem.strerror}})
    watch.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
