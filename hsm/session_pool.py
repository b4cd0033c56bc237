"""Sessions on lease, with deadlines; reconnection when the token was lost. One session keeps the login for the whole process.

Not for what is done in a session: `token` has that. Login state is the application's, not a session's (PKCS#11 2.40, 5.6):
a session opened with a PIN would log all others out when it closes.

Every failure is doubted first: a token that still answers costs the caller one session, not everybody the connection.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import PKCS11Error

from hsm.errors import HsmBusy, HsmError, HsmPinError, HsmUnavailable, Reason
from hsm.login import Login, LoginConfig, log_in
from hsm.module import Module
from hsm.pin import PinSource
from hsm.return_values import from_pkcs11
from monitoring import metrics

# A lost token is looked for again at most this often; calls in between fail at once.
_RECONNECT_PAUSE_S = 1.0
_PATIENCE_AT_START_S = 2.5
# So many failures in a row, without a success in between, and a token that seems to answer counts as lost all the same.
_DOUBTS = 3
_PRIVATE_KEYS = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}


class PooledSession:
    """An open session and the key objects found in it. Used by the thread that holds the lease, by nobody else."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.keys: dict[bytes, Any] = {}  # private keys by CKA_ID


@dataclass(frozen=True)
class SessionPoolConfig:
    """`sessions`: how many may be open at once in this process, besides the one that keeps the login."""

    token_label: str
    pin: PinSource
    sessions: int
    attempts_directory: Path
    tells_wrong_pins: bool = False


class SessionPool:
    """Leases sessions of one token."""

    def __init__(self, module: Module, config: SessionPoolConfig) -> None:
        self._module = module
        self._limit = config.sessions
        self._login_config = LoginConfig(
            config.token_label, config.pin, config.attempts_directory, config.tells_wrong_pins
        )
        # all below: guarded by module.lock
        self._idle: list[PooledSession] = []
        self._leased = 0
        self._queue: deque[threading.Condition] = deque()  # who waits for a session: first come, first served
        self._login: Login | None = None
        self._generation = 0  # of the module, when we connected
        self._closed = False
        self._was_connected = False
        self._retry_at = 0.0
        self._last_problem: HsmError | None = None
        self._doubts = 0
        self._saw_keys = False  # this token has shown a private key
        metrics.hsm_sessions_limit.inc(config.sessions)

    def connect(self, timeout: float = 30.0) -> Any:
        """Finds the token and logs in; returns python-pkcs11's token. At start, so that errors show at once.

        A token that isn't seen is looked for again for some seconds: SoftHSM rewrites its token file at every login, and whoever
        initialises at that moment finds none.

        Raises:
            HsmError: as `lease`.
        """
        started = time.monotonic()
        while True:
            try:
                with self.lease(timeout) as leased:
                    return leased.session.token
            except HsmUnavailable:
                if time.monotonic() > started + min(timeout, _PATIENCE_AT_START_S):
                    raise
            time.sleep(_RECONNECT_PAUSE_S)

    @contextmanager
    def lease(self, timeout: float) -> Iterator[PooledSession]:
        """A session for one operation; `timeout` in seconds. A session in which anything failed isn't lent again.

        Raises:
            HsmBusy: none came free in time.
            HsmUnavailable, HsmPinError: the token can't be reached or logged into.
        """
        started = time.monotonic()
        pooled = self._take(started + timeout)
        metrics.hsm_lease_wait_seconds.observe(time.monotonic() - started)
        metrics.hsm_sessions_leased.inc()
        good = False
        try:
            yield pooled
            good = True
        except HsmUnavailable as problem:
            self._doubt(problem)
            raise
        finally:
            metrics.hsm_sessions_leased.dec()
            self._give_back(pooled, good=good)

    def saw_keys(self) -> None:
        """Somebody found a private key: from now on, seeing none at all means that the login was lost."""
        self._saw_keys = True

    def answers(self) -> bool:
        """Whether the token is there and shows private keys if it ever did: asked after a failure, never before a use."""
        with self._module.lock:
            login = self._login
        if login is None:
            return False
        try:
            # C_GetTokenInfo anew: modules go on opening sessions of a token that is gone, and find nothing in them.
            token = login.token.slot.get_token()
            if token.label != login.token.label:
                return False
            with token.open() as session:
                return not self._saw_keys or any(True for _ in session.get_objects(_PRIVATE_KEYS))
        except PKCS11Error:
            return False

    def close(self) -> None:
        """Ends the login; leases that are out end by themselves. Afterwards every lease is refused."""
        with self._module.lock:
            if self._closed:
                return
            self._closed = True
            idle, self._idle = self._idle, []
            login = self._login if self._is_current() else None
            self._login = None
            self._wake_all()
        metrics.hsm_sessions_limit.dec(self._limit)
        for pooled in idle:
            _close(pooled.session)
        if login is not None:
            _close(login.session)

    # ---- taking and giving back

    def _take(self, until: float) -> PooledSession:
        if os.getpid() != self._module.process:
            raise HsmError(
                Reason.CONFIGURATION,
                "this process was forked after its PKCS#11 module was loaded",
                "Start processes by spawning; open the token afterwards.",
            )
        with self._module.lock:
            if self._queue or not self._can_serve():
                self._wait_for_turn(until)
            self._leased += 1
            self._module.calls += 1
            if self._idle:
                return self._idle.pop()
            assert self._login is not None
            token = self._login.token
        return self._open(token)

    def _can_serve(self) -> bool:
        return self._is_current() and bool(self._idle or self._leased < self._limit)

    def _is_current(self) -> bool:
        return self._login is not None and self._generation == self._module.generation

    def _wait_for_turn(self, until: float) -> None:
        """With the lock held: returns when a session may be taken, and nobody who came earlier waits."""
        turn = threading.Condition(self._module.lock)
        self._queue.append(turn)
        try:
            while self._queue[0] is not turn or not self._can_serve():
                if self._closed:
                    raise HsmUnavailable(Reason.UNAVAILABLE, "the token was closed", "Open it again.")
                if not self._is_current():
                    self._connect(until)
                elif not turn.wait(max(0.0, until - time.monotonic())):
                    raise HsmBusy(Reason.BUSY, "no HSM session came free in time")
        finally:
            self._queue.remove(turn)
            self._wake_next()

    def _open(self, token: Any) -> PooledSession:
        opened = None
        try:
            opened = PooledSession(token.open())
        except PKCS11Error as problem:
            error = from_pkcs11(problem, "opening a session")
            metrics.hsm_errors.labels("open", error.ckr).inc()
            if isinstance(error, HsmUnavailable):
                self._doubt(error)
            raise error from problem
        finally:
            if opened is None:
                self._release(None)
        return opened

    def _give_back(self, pooled: PooledSession, *, good: bool) -> None:
        if not good or self._closed:
            with self._module.lock:
                worth_closing = self._is_current() or self._closed  # else C_Finalize ends it
            if worth_closing:
                _close(pooled.session)
        self._release(pooled if good else None)

    def _release(self, pooled: PooledSession | None) -> None:
        with self._module.lock:
            self._leased -= 1
            self._module.calls -= 1
            if pooled is not None and self._is_current():
                self._idle.append(pooled)
                self._doubts = 0
            self._wake_next()
            if not self._module.calls:
                self._module.changed.notify_all()

    def _wake_next(self) -> None:
        if self._queue:
            self._queue[0].notify()

    def _wake_all(self) -> None:
        self._module.changed.notify_all()
        for turn in self._queue:
            turn.notify()

    # ---- losing and connecting

    def _doubt(self, problem: HsmUnavailable) -> None:
        """After a failure, with the lease still held: is it this session, or is everything void?"""
        alive = self.answers()
        with self._module.lock:
            self._doubts += 1
            if (alive and self._doubts < _DOUBTS) or not self._is_current():
                return
            self._lose(problem)

    def _lose(self, problem: HsmError) -> None:
        """With the lock held. The next lease connects anew, once all calls under way in this process have ended."""
        self._module.generation += 1
        self._login = None
        self._last_problem = problem
        self._idle.clear()
        self._wake_all()

    def _connect(self, until: float) -> None:
        """With the lock held: connects, or waits while another thread does or calls are under way; returns on any change.

        C_Finalize while a call runs in another thread is undefined (PKCS#11 2.40, 5.4): a call that never returns therefore
        keeps this process from connecting again. Leases then fail in time, and so does the readiness that rests on them.
        """
        module = self._module
        if self._last_problem is not None and time.monotonic() < self._retry_at:
            raise _again(self._last_problem)
        anew = module.initialized != module.generation
        if module.connecting or (anew and module.calls):
            if not module.changed.wait(max(0.0, until - time.monotonic())):
                raise _again(self._last_problem or HsmUnavailable(Reason.UNAVAILABLE, "the token is being connected"))
            return
        generation = module.generation
        module.connecting = True
        module.lock.release()
        login: Login | None = None
        problem: HsmError | None = None
        initialized = False
        try:
            if anew:
                module.reinitialize()
                initialized = True
            login = log_in(module, self._login_config, max(0.0, until - time.monotonic()))
        except HsmError as found:
            problem = found
        finally:
            module.lock.acquire()
            module.connecting = False
            if initialized:
                module.initialized = generation
            self._wake_all()
        self._settle(generation, login, problem)

    def _settle(self, generation: int, login: Login | None, problem: HsmError | None) -> None:
        """With the lock held: what an attempt to connect came to."""
        self._retry_at = time.monotonic() + _RECONNECT_PAUSE_S
        if problem is not None:
            metrics.hsm_errors.labels("connect", problem.ckr).inc()
            if not isinstance(problem, HsmPinError) and self._module.generation == generation:
                self._lose(problem)  # a module finds tokens in C_Initialize: the next attempt starts there
            self._last_problem = problem
            raise problem
        if self._was_connected:
            metrics.hsm_reconnections.inc()
        self._was_connected = True
        self._login, self._generation, self._last_problem, self._doubts = login, generation, None, 0


def _again(problem: HsmError) -> HsmError:
    """The same error for another caller: one exception object must not travel through two threads."""
    return type(problem)(problem.reason, problem.message, problem.remedy, ckr=problem.ckr)


def _close(session: Any) -> None:
    with suppress(PKCS11Error):  # it is given up either way
        session.close()
