"""The PIN as a secret type, and the ways in: a file of mode 0600, a systemd credential, a prompt. Never a value in configuration."""

from __future__ import annotations

import getpass
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hsm.errors import HsmPinError, Reason

_MAX_PIN_BYTES = 256


class Pin:
    """Holds a PIN; shows nothing of it. `reveal` is the only accessor, so that every reader can be found."""

    def __init__(self, secret: bytes) -> None:
        self._secret = bytearray(secret)

    def reveal(self) -> str:
        """The PIN as C_Login takes it. The copy can't be wiped in Python: keep it no longer than the call."""
        return self._secret.decode("utf-8")

    def clear(self) -> None:
        """Overwrites what is held."""
        for position in range(len(self._secret)):
            self._secret[position] = 0
        self._secret.clear()

    def __repr__(self) -> str:
        return "Pin(…)"

    def __reduce__(self) -> str:
        raise TypeError("a PIN is not pickled")


@dataclass(frozen=True)
class PinSource:
    """Exactly one is given. `credential`: a name below $CREDENTIALS_DIRECTORY (systemd LoadCredential)."""

    file: Path | None = None
    credential: str | None = None
    prompt: bool = False

    def read(self) -> Pin:
        """The PIN. Raises HsmPinError (PIN_MISSING), also for a file that others can read."""
        if self.file is not None:
            return _from_file(self.file, private=True)
        if self.credential is not None:
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise HsmPinError(Reason.PIN_MISSING, "there is no credentials directory", "Start under systemd.")
            return _from_file(Path(folder) / self.credential, private=False)
        if self.prompt:
            return _checked(getpass.getpass("HSM PIN: ").encode(), "prompt")
        raise HsmPinError(Reason.PIN_MISSING, "no way to the PIN is configured")


def _from_file(file: Path, *, private: bool) -> Pin:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if private and stat.S_IMODE(mode) & 0o077:
                raise HsmPinError(Reason.PIN_MISSING, f"{file}: others may read the PIN file", f"Run: chmod 600 {file}")
            secret = stream.read(_MAX_PIN_BYTES + 2)
    except OSError as problem:
        raise HsmPinError(Reason.PIN_MISSING, f"{file}: the PIN can't be read ({problem.strerror})") from None
    return _checked(secret.removesuffix(b"\n"), str(file))


def _checked(secret: bytes, where: str) -> Pin:
    """An editor's carriage return or a stray blank would cost a try at the token: told here instead."""
    try:
        text = secret.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not (text and len(secret) <= _MAX_PIN_BYTES and text.isprintable() and text == text.strip()):
        raise HsmPinError(
            Reason.PIN_MISSING,
            f"{where}: holds no usable PIN",
            f"It must be 1 to {_MAX_PIN_BYTES} bytes of UTF-8 in one line, without blanks around it.",
        )
    return Pin(secret)
