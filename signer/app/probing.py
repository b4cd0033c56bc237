"""A worker's real signature every few seconds: its outcome goes to health, to a metric, and to the record that /readyz reads.

Not for judging how old a record may be (`monitoring.probe_record`), nor for the signature itself (`signing.Signer.probe`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hsm.errors import HsmError
from monitoring import metrics
from monitoring.probe_record import OK, ProbeRecord
from signer.errors import ApplianceError, Reason, SignerError

_log = logging.getLogger(__name__)
EVERY_S = 5.0


class Probing:
    """`probe`: really signs, or raises. `set_serving`: is told where the outcome changes."""

    def __init__(self, probe: Callable[[], None], set_serving: Callable[[bool], None], record: ProbeRecord) -> None:
        self._probe = probe
        self._set_serving = set_serving
        self._record = record
        self._serving = False
        self._recorded = True

    def first(self) -> None:
        """At start. Raises HsmError or SignerError for what somebody must mend; the worker must not start then.

        A clock comes right by itself, and uploads can be verified meanwhile.
        """
        result = OK
        try:
            self._probe()
        except ApplianceError as problem:
            if problem.reason is not Reason.CLOCK_NOT_TRUSTED:
                raise
            _log.error(f"not serving yet: {problem}")
            result = problem.reason.value
        self._note(result)
        self._serving = result == OK

    def serve(self) -> None:
        """Once calls are accepted."""
        self._set_serving(self._serving)

    def again(self) -> None:
        """Signs, and tells whoever wants to know."""
        result = OK
        try:
            self._probe()
        except (SignerError, HsmError) as problem:
            result = problem.reason.value
        self._note(result)
        if (serving := result == OK) == self._serving:
            return
        self._serving = serving
        self._set_serving(serving)
        if serving:
            _log.info("serving again")
        else:
            _log.error("not serving", extra={"fields": {"reason": result}})

    def _note(self, result: str) -> None:
        metrics.labelled(metrics.signing_probes, result).inc()
        try:
            self._record.write(result)
        except OSError as problem:
            # A record that gets old says "not ready": to balancers this worker is as good as gone, and somebody comes to look.
            if self._recorded:
                _log.error("the probe can't be recorded", extra={"fields": {"why": problem.strerror}})
            self._recorded = False
        else:
            self._recorded = True
