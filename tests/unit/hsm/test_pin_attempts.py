"""What is on record about PINs, and what follows from it: no wrong PIN reaches the token twice, whatever happens in between.

Threat: T8.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm.errors import HsmError, HsmPinError, HsmUnavailable, Reason
from hsm.pin import Pin
from hsm.pin_attempts import PinAttempts


class Door:
    """Logs in with PINs where one is right; `tried` is what a token would have seen."""

    def __init__(self, folder: Path, right: bytes = b"right") -> None:
        self.attempts = PinAttempts(folder, "token")
        self.right = right
        self.tried: list[bytes] = []

    def log_in(self, pin: bytes, wrong_pin_given: Callable[[], bool] | None = None) -> None:
        """One attempt."""
        with self.attempts.guard(Pin(pin), timeout=10, wrong_pin_given=wrong_pin_given):
            self.tried.append(pin)
            if pin != self.right:
                raise HsmPinError(Reason.PIN_INCORRECT, "no", ckr="CKR_PIN_INCORRECT")


def test_wrong_pins_in_turn_reach_the_token_once_each(tmp_path: Path) -> None:
    door = Door(tmp_path)
    for pin in (b"a", b"b", b"a", b"b", b"a"):
        with pytest.raises(HsmPinError):
            door.log_in(pin)
    assert door.tried == [b"a", b"b"]
    door.log_in(b"right")
    assert not list(tmp_path.glob("*.json"))


def test_whoever_guesses_is_stopped(tmp_path: Path) -> None:
    door = Door(tmp_path)
    for number in range(20):
        with pytest.raises(HsmPinError):
            door.log_in(str(number).encode())
    assert len(door.tried) == 16
    with pytest.raises(HsmPinError, match="16 different PINs"):
        door.log_in(b"right")


@pytest.mark.parametrize(
    "problem",
    [
        KeyboardInterrupt(),
        SystemExit(1),
        HsmUnavailable(Reason.UNAVAILABLE, "m", ckr="CKR_DEVICE_ERROR"),
        HsmUnavailable(Reason.UNAVAILABLE, "m", ckr="0x80000123"),
    ],
)
def test_an_attempt_without_a_clear_end_counts_unless_the_token_knows_better(
    tmp_path: Path, problem: BaseException
) -> None:
    door = Door(tmp_path)
    with pytest.raises(type(problem)), door.attempts.guard(Pin(b"right"), timeout=10):
        raise problem
    with pytest.raises(HsmPinError) as refused:
        Door(tmp_path).log_in(b"right", lambda: True)
    assert refused.value.reason is Reason.PIN_REFUSED_BEFORE


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), HsmUnavailable(Reason.UNAVAILABLE, "m", ckr="CKR_DEVICE_ERROR")]
)
def test_a_token_that_saw_no_wrong_pin_gets_it_again(tmp_path: Path, problem: BaseException) -> None:
    door = Door(tmp_path)
    with pytest.raises(type(problem)), door.attempts.guard(Pin(b"right"), timeout=10):
        raise problem
    door.log_in(b"right", lambda: False)
    assert door.tried == [b"right"]


def test_a_failure_that_is_not_the_pins_keeps_what_was_refused_before(tmp_path: Path) -> None:
    door = Door(tmp_path)
    with pytest.raises(HsmPinError):
        door.log_in(b"wrong")
    with pytest.raises(HsmUnavailable), door.attempts.guard(Pin(b"other"), timeout=10):
        raise HsmUnavailable(Reason.UNAVAILABLE, "m", ckr="CKR_TOKEN_NOT_PRESENT")
    with pytest.raises(HsmPinError):
        door.log_in(b"wrong")
    assert door.tried == [b"wrong"]


def test_the_remedy_names_the_record(tmp_path: Path) -> None:
    door = Door(tmp_path)
    for _ in range(2):
        with pytest.raises(HsmPinError) as refused:
            door.log_in(b"wrong")
    (record,) = tmp_path.glob("*.json")
    assert str(record) in refused.value.remedy
    record.unlink()
    door.right = b"wrong"
    door.log_in(b"wrong")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"salt": "zz", "refused": [], "attempted": null}'])
def test_an_unreadable_record_is_told_and_nothing_tried(tmp_path: Path, content: bytes) -> None:
    door = Door(tmp_path)
    with pytest.raises(HsmPinError):
        door.log_in(b"wrong")
    (record,) = tmp_path.glob("*.json")
    record.write_bytes(content)
    with pytest.raises(HsmPinError, match="unreadable"):
        door.log_in(b"right")
    assert door.tried == [b"wrong"]


def test_where_nothing_can_be_recorded_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    door = Door(tmp_path / "file")
    with pytest.raises(HsmUnavailable, match="can't be recorded"):
        door.log_in(b"right")
    assert not door.tried


def test_the_wait_for_another_login_ends_in_time(tmp_path: Path) -> None:
    door = Door(tmp_path)
    with pytest.raises(HsmError):
        door.log_in(b"wrong")
    (lock,) = tmp_path.glob("*.lock")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(HsmUnavailable, match="another process"),
            door.attempts.guard(Pin(b"right"), timeout=0.1),
        ):
            pytest.fail("two at once")
    door.log_in(b"right")
