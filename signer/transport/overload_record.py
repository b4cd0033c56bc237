"""Refusals of a flood, put on record by the second: one entry of the log for each client, RPC and reason, with their number.

Not for other refusals: each of those is an entry of its own.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter

from monitoring import metrics
from signer.audit import Log, LogEntry
from signer.authz import Actor
from signer.deadline import Deadline
from signer.errors import Reason, SignerError

_log = logging.getLogger(__name__)
SUMMED_UP = frozenset({Reason.OVERLOADED.value, Reason.RATE_EXCEEDED.value})
_PERIOD_S = 1.0


class OverloadRecord:
    """Counts from any thread; a timer writes a second after the first."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._timer: threading.Timer | None = None

    def note(self, actor: Actor, reason: str) -> None:
        """Counts one refusal."""
        with self._lock:
            self._counted[actor.client, actor.rpc, reason] += 1
            if self._timer is None:
                self._timer = threading.Timer(_PERIOD_S, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Puts on record what was counted; what can't be recorded now is kept for the next time."""
        with self._lock:
            counted, self._counted, self._timer = self._counted, Counter(), None
        entries = [
            LogEntry("refusal", client=client, rpc=rpc, detail=f"{reason} x {number}").encode()
            for (client, rpc, reason), number in counted.items()
        ]
        try:
            self._log.append(entries, Deadline.after(2))
        except SignerError:
            with self._lock:
                self._counted.update(counted)
            _log.warning("refusals could not be recorded; the next ones will carry their number")
            return
        metrics.labelled(metrics.log_entries, "refusal").inc(len(entries))
        for (client, rpc, reason), number in counted.items():
            _log.info("refused", extra={"fields": {"rpc": rpc, "client": client, "reason": reason, "times": number}})
