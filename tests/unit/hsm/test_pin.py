"""The PIN: where it may come from, that nothing shows it, and that a wrong one is tried once.

Threat: T9.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from hsm.errors import HsmError, HsmPinError, Reason
from hsm.pin import Pin, PinSource
from hsm.pin_attempts import PinAttempts

_SECRET = "73195528"


def _file(folder: Path, mode: int = 0o600, content: bytes = _SECRET.encode() + b"\n") -> Path:
    file = folder / "pin"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_file_of_mode_0600_gives_the_pin_without_its_newline(tmp_path: Path) -> None:
    assert PinSource(file=_file(tmp_path)).read().reveal() == _SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(HsmPinError, match="others may read") as refused:
        PinSource(file=_file(tmp_path, mode)).read()
    assert "chmod 600" in refused.value.remedy


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"1" * 400])
def test_a_file_without_a_usable_pin_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(HsmPinError) as refused:
        PinSource(file=_file(tmp_path, content=content)).read()
    assert refused.value.reason is Reason.PIN_MISSING


def test_a_credential_comes_from_systemds_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _file(tmp_path, 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert PinSource(credential="pin").read().reveal() == _SECRET
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(HsmPinError):
        PinSource(credential="pin").read()


def test_nothing_shows_a_pin(caplog: pytest.LogCaptureFixture) -> None:
    import pickle

    pin = Pin(_SECRET.encode())
    logging.getLogger("test").warning("%s %r", pin, {"pin": pin})
    try:
        raise HsmPinError(Reason.PIN_INCORRECT, "logging in failed")
    except HsmError:
        shown = traceback.format_exc()
    with pytest.raises(TypeError):
        pickle.dumps(pin)
    assert _SECRET not in caplog.text + repr(pin) + str(pin) + shown


def test_a_cleared_pin_is_gone() -> None:
    pin = Pin(_SECRET.encode())
    pin.clear()
    assert pin.reveal() == ""


def test_a_right_pin_leaves_no_mark(tmp_path: Path) -> None:
    attempts = PinAttempts(tmp_path, "token")
    for _ in range(3):
        with attempts.guard(Pin(b"right"), timeout=10):
            pass
    assert not list(tmp_path.glob("*.json"))


def test_a_refused_pin_is_not_tried_again_but_another_one_is(tmp_path: Path) -> None:
    attempts = PinAttempts(tmp_path, "token")
    tried = []

    def log_in(pin: bytes) -> None:
        with attempts.guard(Pin(pin), timeout=10):
            tried.append(pin)
            if pin != b"right":
                raise HsmPinError(Reason.PIN_INCORRECT, "logging in failed")

    with pytest.raises(HsmPinError):
        log_in(b"wrong")
    with pytest.raises(HsmPinError) as refused:
        log_in(b"wrong")
    assert refused.value.reason is Reason.PIN_REFUSED_BEFORE
    log_in(b"right")
    assert tried == [b"wrong", b"right"]


def test_a_failure_that_says_nothing_about_the_pin_leaves_no_mark(tmp_path: Path) -> None:
    attempts = PinAttempts(tmp_path, "token")
    with pytest.raises(HsmError), attempts.guard(Pin(b"right"), timeout=10):
        raise HsmError(Reason.UNAVAILABLE, "the device is gone")
    with attempts.guard(Pin(b"right"), timeout=10):
        pass


def test_marks_hold_no_pin_and_belong_to_one_token(tmp_path: Path) -> None:
    with pytest.raises(HsmPinError), PinAttempts(tmp_path, "one").guard(Pin(_SECRET.encode()), timeout=10):
        raise HsmPinError(Reason.PIN_INCORRECT, "no")
    (mark,) = tmp_path.glob("*.json")
    assert _SECRET not in mark.read_text()
    assert mark.stat().st_mode & 0o077 == 0
    with PinAttempts(tmp_path, "two").guard(Pin(_SECRET.encode()), timeout=10):
        pass


def test_a_crash_during_the_login_counts_as_a_refusal(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom hsm.pin import Pin\nfrom hsm.pin_attempts import PinAttempts\n"
        "with PinAttempts(Path(sys.argv[1]), 'token').guard(Pin(b'wrong'), timeout=10):\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"in\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    started = time.monotonic()
    with pytest.raises(HsmPinError) as refused, PinAttempts(tmp_path, "token").guard(Pin(b"wrong"), timeout=10):
        pytest.fail("the PIN was tried again")
    assert refused.value.reason is Reason.PIN_REFUSED_BEFORE
    assert time.monotonic() - started < 30, "the dead process's lock must not hold us"
