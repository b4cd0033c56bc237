"""A wrong PIN is tried once: by all processes and restarts together. Tokens lock after a few; we never come near that.

Before a login an "attempt" mark is made durable, after it the mark is removed (right PIN) or made a refusal (wrong PIN). A mark
left by a crash counts as a refusal. Marks hold a salted scrypt of the PIN, so that another PIN may be tried and nobody
reads this one from it cheaply.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hsm.errors import HsmPinError, Reason
from hsm.pin import Pin

# about 50 ms and 16 MiB: paid at start and reconnection only
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 14, 8, 1


@dataclass(frozen=True)
class _Mark:
    salt: bytes
    hashed: bytes


class PinAttempts:
    """The marks of one token, in a directory that all processes share."""

    def __init__(self, directory: Path, token: str) -> None:
        """`token`: names the token (its serial number), so that each token has marks of its own."""
        self._directory = directory
        name = hashlib.sha256(token.encode()).hexdigest()[:16]
        self._mark_file = directory / f"pin-{name}.json"
        self._lock_file = directory / f"pin-{name}.lock"

    @contextmanager
    def guard(self, pin: Pin) -> Iterator[None]:
        """Around C_Login: at most one process at a time, and not at all with a PIN that was refused.

        An HsmPinError raised inside makes the refusal durable; leaving normally removes the mark.

        Raises:
            HsmPinError: PIN_REFUSED_BEFORE, without entering.
        """
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock_file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            mark = self._read()
            if mark is not None and _matches(mark, pin):
                raise HsmPinError(
                    Reason.PIN_REFUSED_BEFORE, "the token refused this PIN before; it was not tried again"
                )
            self._write(pin)
            try:
                yield
            except HsmPinError:
                raise  # the mark stays: this PIN was refused
            except BaseException:
                self._remove()  # the token was not reached or failed otherwise: says nothing about the PIN
                raise
            self._remove()

    def _read(self) -> _Mark | None:
        try:
            values = json.loads(self._mark_file.read_text())
            return _Mark(bytes.fromhex(values["salt"]), bytes.fromhex(values["scrypt"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise HsmPinError(
                Reason.PIN_REFUSED_BEFORE,
                f"{self._mark_file}: unreadable record of a PIN attempt",
                "Check the PIN, then remove the file.",
            ) from None

    def _write(self, pin: Pin) -> None:
        salt = secrets.token_bytes(16)
        text = json.dumps({"salt": salt.hex(), "scrypt": _hash(pin, salt).hex()})
        temporary = self._mark_file.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._mark_file)
        self._sync()

    def _remove(self) -> None:
        self._mark_file.unlink(missing_ok=True)
        self._sync()

    def _sync(self) -> None:
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _hash(pin: Pin, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.reveal().encode(), salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=1 << 26)


def _matches(mark: _Mark, pin: Pin) -> bool:
    return secrets.compare_digest(_hash(pin, mark.salt), mark.hashed)
