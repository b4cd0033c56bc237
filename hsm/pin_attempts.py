"""A wrong PIN is tried once: by all processes and restarts together. Tokens lock after a few; we never come near that.

Before a login an attempt is put on record, durably; after it the record is removed (right PIN) or becomes a refusal (wrong PIN).
An attempt that nobody resolved, because its process died or the token answered unclearly, counts as a refusal unless the token
says that nobody gave it a wrong PIN. Records hold salted scrypt values: another PIN may be tried, and nobody reads one back
but by guessing at scrypt's price. Not for locking users out of anything: a right PIN clears the record.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hsm.errors import HsmError, HsmPinError, HsmUnavailable, Reason
from hsm.pin import Pin
from hsm.return_values import is_unclear

# about 50 ms and 16 MiB: paid at start and reconnection only
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 14, 8, 1
_SALT_BYTES = 16
_MAX_REFUSED = 16  # different PINs in a row: whoever gets here is guessing
_POLL_S = 0.01


@dataclass(frozen=True)
class _Record:
    """`refused`, `attempted`: scrypt values under `salt`; an attempt is a login whose end nobody wrote down."""

    salt: bytes
    refused: tuple[bytes, ...] = ()
    attempted: bytes | None = None


class PinAttempts:
    """The record of one token, in a directory that all processes share."""

    def __init__(self, directory: Path, token: str) -> None:
        """`token`: names the token (its label and serial number), so that each token has a record of its own."""
        self._directory = directory
        self._token = token.encode()
        name = hashlib.sha256(self._token).hexdigest()[:16]
        self._file = directory / f"pin-{name}.json"
        self._lock_file = directory / f"pin-{name}.lock"

    @contextmanager
    def guard(self, pin: Pin, *, timeout: float, wrong_pin_given: Callable[[], bool] | None = None) -> Iterator[None]:
        """Around C_Login: at most one process at a time, and not at all with a PIN that was refused.

        `wrong_pin_given` asks the token whether a wrong PIN came since the last right one (CKF_USER_PIN_COUNT_LOW); None for
        tokens that don't tell. An HsmPinError (PIN_INCORRECT, PIN_LOCKED) raised inside makes the refusal durable; leaving
        normally clears the record.

        Raises:
            HsmPinError: PIN_REFUSED_BEFORE, without entering.
            HsmUnavailable: another process logs in for longer than `timeout` seconds, or nothing can be recorded;
                without entering.
        """
        hashed: dict[bytes, bytes] = {}

        def value(salt: bytes) -> bytes:
            if salt not in hashed:
                hashed[salt] = self._hash(pin, salt)
            return hashed[salt]

        with self._recording():
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            before = self._read() or _Record(secrets.token_bytes(_SALT_BYTES))
        value(before.salt)  # the costly part, outside the lock: many workers start at once
        with self._locked(timeout):
            with self._recording():
                record = self._resolve(self._read() or before, wrong_pin_given)
            mine = value(record.salt)
            self._refuse_known(record, mine)
            with self._recording():
                self._write(replace(record, attempted=mine))
            try:
                yield
            except HsmError as problem:
                self._settle(record, mine, problem)
                raise
            self._settle(record, mine, None)

    def _refuse_known(self, record: _Record, mine: bytes) -> None:
        if any(secrets.compare_digest(refused, mine) for refused in record.refused):
            raise HsmPinError(
                Reason.PIN_REFUSED_BEFORE,
                "the token refused this PIN before; it was not tried again",
                f"Put the right PIN into the PIN file, then start again. If it is right by now, remove {self._file}",
            )
        if len(record.refused) >= _MAX_REFUSED:
            raise HsmPinError(
                Reason.PIN_REFUSED_BEFORE,
                f"the token refused {_MAX_REFUSED} different PINs; no further one was tried",
                f"Make sure of the PIN, then remove {self._file}",
            )

    def _resolve(self, record: _Record, wrong_pin_given: Callable[[], bool] | None) -> _Record:
        """What became of an attempt that nobody wrote the end of."""
        if record.attempted is None:
            return record
        harmless = wrong_pin_given is not None and not wrong_pin_given()
        refused = record.refused if harmless else (*record.refused, record.attempted)
        record = _Record(record.salt, refused)
        self._write(record)
        return record

    def _settle(self, record: _Record, mine: bytes, problem: HsmError | None) -> None:
        with suppress(OSError):  # the attempt is durable already: the next login resolves it
            if problem is None:
                self._remove()
            elif problem.reason is Reason.PIN_INCORRECT or problem.ckr == "CKR_PIN_LOCKED":
                self._write(replace(record, refused=(*record.refused, mine)))
            elif is_unclear(problem):
                return  # the attempt stays on record, for the next login to resolve
            elif record.refused:  # the token was not reached, or says that the PIN was not the matter
                self._write(record)
            else:
                self._remove()

    @contextmanager
    def _locked(self, timeout: float) -> Iterator[None]:
        until = time.monotonic() + timeout
        with self._recording():
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise HsmUnavailable(
                            Reason.UNAVAILABLE, "another process has been logging in for too long"
                        ) from None
                    time.sleep(_POLL_S)
            yield
        finally:
            os.close(lock)  # the lock goes with it, also when the process dies

    @contextmanager
    def _recording(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise HsmUnavailable(
                Reason.UNAVAILABLE,
                f"{self._directory}: PIN attempts can't be recorded ({problem.strerror}); no login was tried",
                "Make the directory writable and its volume free.",
            ) from None

    def _read(self) -> _Record | None:
        try:
            text = self._file.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            text = ""
        try:
            values = json.loads(text)
            attempted = values["attempted"]
            return _Record(
                salt=bytes.fromhex(values["salt"]),
                refused=tuple(bytes.fromhex(value) for value in values["refused"]),
                attempted=None if attempted is None else bytes.fromhex(attempted),
            )
        except (ValueError, KeyError, TypeError):
            raise HsmPinError(
                Reason.PIN_REFUSED_BEFORE,
                f"{self._file}: unreadable record of PIN attempts",
                "Make sure of the PIN, then remove the file.",
            ) from None

    def _write(self, record: _Record) -> None:
        text = json.dumps(
            {
                "salt": record.salt.hex(),
                "refused": [value.hex() for value in record.refused],
                "attempted": None if record.attempted is None else record.attempted.hex(),
            }
        )
        temporary = self._file.with_suffix(".new")  # under the lock: one writer at a time
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)
        self._sync()

    def _remove(self) -> None:
        self._file.unlink(missing_ok=True)
        self._sync()

    def _sync(self) -> None:
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _hash(self, pin: Pin, salt: bytes) -> bytes:
        secret = pin.reveal().encode()
        salted = salt + self._token
        return hashlib.scrypt(secret, salt=salted, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=1 << 26, dklen=32)
