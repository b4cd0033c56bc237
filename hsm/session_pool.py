"""Sessions on lease, with deadlines; reconnection when the token was lost. One session keeps the login for the whole process.

Not for what is done in a session: `token` has that. Login state is the application's, not a session's (PKCS#11 2.40, 5.6):
a session opened with a PIN would log all others out when it closes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pkcs11 import TokenFlag
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from hsm.errors import HsmError, HsmPinError, HsmUnavailable, Reason, from_pkcs11
from hsm.module import Module
from hsm.pin import PinSource
from hsm.pin_attempts import PinAttempts
from monitoring import metrics

# A lost token is looked for again at most this often; calls in between fail at once.
_RECONNECT_PAUSE_S = 1.0


class PooledSession:
    """An open session and the key objects found in it."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.keys: dict[bytes, Any] = {}  # private keys by CKA_ID; used by the thread that holds the lease


@dataclass(frozen=True)
class SessionPoolConfig:
    """`sessions`: how many may be open at once in this process."""

    token_label: str
    pin: PinSource
    sessions: int
    attempts_directory: Any


class SessionPool:
    """Leases sessions of one token."""

    def __init__(self, module: Module, config: SessionPoolConfig) -> None:
        self._module = module
        self._config = config
        self._condition = threading.Condition()
        # all below: guarded by _condition
        self._idle: list[PooledSession] = []
        self._leased = 0
        self._login: Any = None
        self._lost = True
        self._connecting = False
        self._retry_at = 0.0
        self._last_problem: HsmError | None = None
        metrics.hsm_sessions_limit.inc(config.sessions)

    def connect(self) -> Any:
        """Finds the token and logs in; returns python-pkcs11's token. At start, so that errors show at once.

        Raises:
            HsmError: as `lease`.
        """
        with self.lease(timeout=30.0) as leased:
            return leased.session.token

    @contextmanager
    def lease(self, timeout: float) -> Iterator[PooledSession]:
        """A session for one operation.

        Raises:
            HsmError: BUSY, when none came free in time.
            HsmUnavailable, HsmPinError: the token can't be reached or logged into.
        """
        started = time.monotonic()
        session = self._take(started + timeout)
        metrics.hsm_lease_wait_seconds.observe(time.monotonic() - started)
        metrics.hsm_sessions_leased.inc()
        try:
            yield session
        except HsmUnavailable as problem:
            self._lose(problem)
            raise
        finally:
            metrics.hsm_sessions_leased.dec()
            self._give_back(session)

    def _take(self, until: float) -> PooledSession:
        with self._condition:
            while True:
                if self._lost:
                    self._reconnect_locked(until)
                elif self._idle:
                    self._leased += 1
                    return self._idle.pop()
                elif self._leased < self._config.sessions:
                    self._leased += 1
                    break
                elif not self._condition.wait(max(0.0, until - time.monotonic())):
                    raise HsmError(Reason.BUSY, "no HSM session came free in time")
        return self._open()

    def _open(self) -> PooledSession:
        try:
            return PooledSession(self._login.token.open(rw=True))
        except PKCS11Error as problem:
            error = from_pkcs11(problem, "opening a session")
            with self._condition:
                self._leased -= 1
                self._condition.notify_all()
            if isinstance(error, HsmUnavailable):
                self._lose(error)
            raise error from problem

    def _give_back(self, session: PooledSession) -> None:
        with self._condition:
            self._leased -= 1
            if not self._lost:
                self._idle.append(session)
            self._condition.notify_all()

    def _lose(self, problem: HsmUnavailable) -> None:
        """Everything that this pool holds is void; the next lease connects anew once all leases are back."""
        with self._condition:
            self._lost = True
            self._last_problem = problem
            self._idle.clear()
            self._condition.notify_all()

    def _reconnect_locked(self, until: float) -> None:
        """Called with _condition held; waits out running calls, since C_Finalize under them is undefined."""
        if self._connecting or self._leased:
            if not self._condition.wait(max(0.0, until - time.monotonic())):
                raise self._last_problem or HsmUnavailable(Reason.UNAVAILABLE, "the token is being connected")
            return
        if self._last_problem is not None and time.monotonic() < self._retry_at:
            raise self._last_problem
        self._connecting = True
        first = self._login is None and self._last_problem is None
        self._condition.release()
        problem: HsmError | None = None
        login = None
        try:
            login = self._log_in(reinitialize=not first)
        except HsmError as found:
            problem = found
        finally:
            self._condition.acquire()
            self._connecting = False
            self._condition.notify_all()
        self._login, self._last_problem = login, problem
        self._retry_at = time.monotonic() + _RECONNECT_PAUSE_S
        if problem is not None:
            raise problem
        self._lost = False
        if not first:
            metrics.hsm_reconnections.inc()

    def _log_in(self, *, reinitialize: bool) -> Any:
        if reinitialize:
            self._module.reinitialize()
        token = self._module.find_token(self._config.token_label)
        if TokenFlag.USER_PIN_LOCKED in token.flags:
            raise HsmPinError(Reason.PIN_LOCKED, "the token's user PIN is locked")
        if TokenFlag.USER_PIN_FINAL_TRY in token.flags:
            raise HsmPinError(
                Reason.PIN_LOCKED, "one wrong PIN more would lock the token; it was not tried", "Log in by hand first."
            )
        pin = self._config.pin.read()
        try:
            with PinAttempts(self._config.attempts_directory, f"{token.label}/{token.serial!r}").guard(pin):
                return _open_with_pin(token, pin.reveal())
        finally:
            pin.clear()


def _open_with_pin(token: Any, pin: str) -> Any:
    try:
        return token.open(rw=True, user_pin=pin)
    except UserAlreadyLoggedIn:
        return token.open(rw=True)
    except PKCS11Error as problem:
        raise from_pkcs11(problem, "logging in") from problem
