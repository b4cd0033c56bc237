"""`signer serve`: starts the appliance's processes in order, restarts what dies, drains on SIGTERM.

A small parent with no keys, no token and no hostile bytes. What runs is written to run/children.json, from which the exporter
answers /readyz.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitoring.process_death import forget_process
from signer.app.child_process import Child, ChildSpec
from signer.app.service_notification import notify_service
from signer.errors import ConfigurationError, Reason

_log = logging.getLogger(__name__)
_POLL_S = 0.1
# A process that dies again and again is given longer pauses, so that the machine stays usable for whoever mends it.
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0)
_STABLE_AFTER_S = 60.0


class Supervisor:
    """Children in start order; a stage begins when the one before it is ready."""

    def __init__(
        self,
        stages: Sequence[Sequence[ChildSpec]],
        state_file: Path,
        drain_seconds: float,
        own_isolation: Mapping[str, Any],
    ) -> None:
        """`own_isolation`: what confines the supervisor, for the state file."""
        self._stages = stages
        self._state_file = state_file
        self._drain_seconds = drain_seconds
        self._own_isolation = own_isolation
        self._children: dict[str, Child] = {}
        self._deaths: dict[str, int] = {}
        self._restart_at: dict[str, float] = {}
        self._specs = {spec.name: spec for stage in stages for spec in stage}
        self._stopping = False
        self._hung_up_early: set[int] = set()  # pids of children that were not ready when SIGHUP came
        self._wake_read, self._wake_write = socket.socketpair()

    def run(self) -> int:
        """Runs until SIGTERM or SIGINT. Returns the exit status.

        Raises:
            ConfigurationError: START_FAILED, when a process doesn't get ready at the first start.
        """
        self._install_signals()
        try:
            for stage in self._stages:
                self._start_stage(stage)
                if self._stopping:
                    break
            else:
                _log.info("serving")
                notify_service("READY=1")
                self._watch()
        finally:
            self._stop_all()
        return 0

    def _install_signals(self) -> None:
        self._wake_write.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)

    def _on_hangup(self, number: int, _frame: object) -> None:
        for child in self._children.values():
            if child.spec.takes_hangup and child.ready:
                child.signal(signal.Signals(number))
            elif child.spec.takes_hangup:  # it may have read the files already
                self._hung_up_early.add(child.pid)

    def _on_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _start_stage(self, stage: Sequence[ChildSpec]) -> None:
        for spec in stage:
            self._start(spec)
        self._write_state()  # not ready yet, and so neither is the appliance, whatever the exporter is asked meanwhile
        for spec in stage:
            child = self._children[spec.name]
            while not child.poll_ready() and not self._stopping:
                status = child.poll_exit()
                if status is not None:
                    raise ConfigurationError(
                        Reason.START_FAILED,
                        f"{spec.name} ended with status {status} while starting",
                        "Its message stands above.",
                    )
                if time.monotonic() > child.started + spec.ready_within:
                    raise ConfigurationError(Reason.START_FAILED, f"{spec.name} did not get ready in time")
                self._sleep(0.02)
            self._greet(child)
        self._write_state()

    def _greet(self, child: Child) -> None:
        """A child that has just become ready."""
        _tell_isolation(child)
        if child.pid in self._hung_up_early:
            self._hung_up_early.discard(child.pid)
            child.signal(signal.SIGHUP)

    def _start(self, spec: ChildSpec) -> None:
        self._children[spec.name] = Child(spec)
        self._restart_at.pop(spec.name, None)

    def _watch(self) -> None:
        while not self._stopping:
            changed = False
            for name, spec in self._specs.items():
                changed |= self._look_after(name, spec)
            if changed:
                self._write_state()
            self._sleep(_POLL_S)

    def _look_after(self, name: str, spec: ChildSpec) -> bool:
        child = self._children[name]
        if name in self._restart_at:
            if time.monotonic() >= self._restart_at[name]:
                self._start(spec)
                return True
            return False
        status = child.poll_exit()
        if status is None:
            if child.ready or not child.poll_ready():
                return False
            self._greet(child)
            return True
        child.close()
        self._hung_up_early.discard(child.pid)
        forget_process(child.pid)
        lived = time.monotonic() - child.started
        self._deaths[name] = 0 if lived > _STABLE_AFTER_S else self._deaths.get(name, 0) + 1
        pause = _PAUSES_S[min(self._deaths[name], len(_PAUSES_S) - 1)]
        self._restart_at[name] = time.monotonic() + pause
        _log.error("a process died", extra={"fields": {"child": name, "status": status, "restart_in_s": pause}})
        return True

    def _write_state(self) -> None:
        state = {
            "supervisor": os.getpid(),
            "children": {
                name: {
                    "pid": child.pid,
                    "ready": child.ready and name not in self._restart_at,
                    "started": child.started_at,  # Unix time
                }
                for name, child in self._children.items()
            },
            "isolation": {
                "supervisor": self._own_isolation,
                **{name: child.isolation for name, child in self._children.items()},
            },
        }
        temporary = self._state_file.with_suffix(".new")
        temporary.write_text(json.dumps(state))
        temporary.replace(self._state_file)

    def _stop_all(self) -> None:
        """In reverse order of the stages: workers drain while what they need still runs."""
        notify_service("STOPPING=1")
        for stage in reversed(self._stages):
            children = [self._children[spec.name] for spec in stage if spec.name in self._children]
            for child in children:
                child.signal(signal.SIGTERM)
            until = time.monotonic() + self._drain_seconds + 5
            for child in children:
                if not child.wait(max(0.1, until - time.monotonic())):
                    _log.error("a process had to be killed", extra={"fields": {"child": child.spec.name}})
                    child.signal(signal.SIGKILL)
                    child.wait(5)
        self._state_file.unlink(missing_ok=True)
        _log.info("stopped")

    def _sleep(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            if selector.select(seconds):
                self._wake_read.recv(4096)  # a signal's byte; its handler has run


def _tell_isolation(child: Child) -> None:
    if not child.isolation:  # stopped while it started
        return
    fields = {"child": child.spec.name, **child.isolation}
    # The front needs writable code, by the table; a user id is no measure.
    whole = all(value for name, value in child.isolation.items() if name not in {"uid", "no_writable_code"})
    _log.log(logging.INFO if whole else logging.WARNING, "confined", extra={"fields": fields})


def check_port_free(host: str, port: int) -> None:
    """Raises ConfigurationError (PORT_IN_USE) when something listens there: SO_REUSEPORT would share it silently with ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as problem:
            raise ConfigurationError(
                Reason.PORT_IN_USE,
                f"can't listen on {host}:{port} ({problem.strerror})",
                "End what listens there, or move all ports: signer serve --port-base N (make serve PORT_BASE=N).",
            ) from None
