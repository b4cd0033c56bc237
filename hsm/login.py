"""Finds the token and logs in with the PIN discipline. Not for keeping the login: the session pool holds what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pkcs11 import TokenFlag
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from hsm.errors import HsmPinError, Reason
from hsm.module import Module
from hsm.pin import PinSource
from hsm.pin_attempts import PinAttempts
from hsm.return_values import from_pkcs11


@dataclass(frozen=True)
class LoginConfig:
    """`attempts_directory`: shared by all processes. `tells_wrong_pins`: the token keeps CKF_USER_PIN_COUNT_LOW truly."""

    token_label: str
    pin: PinSource
    attempts_directory: Path
    tells_wrong_pins: bool


@dataclass(frozen=True)
class Login:
    """python-pkcs11's token, and the session that keeps the process logged in while it is open."""

    token: Any
    session: Any


def log_in(module: Module, config: LoginConfig, timeout: float) -> Login:
    """One C_Login at most; `timeout` in seconds bounds the wait for other processes that log in.

    Raises:
        HsmUnavailable: no such token, or it can't be reached.
        HsmPinError: the PIN is wrong, was refused before, can't be had, or the token is about to lock.
    """
    token = module.find_token(config.token_label)
    try:
        token.open().close()  # a token that can't be reached at all never gets near the PIN
    except PKCS11Error as problem:
        raise from_pkcs11(problem, "opening a session") from problem

    def flags() -> Any:  # anew: other processes log in as well
        return module.find_token(config.token_label).flags

    def wrong_pin_given() -> bool:
        return TokenFlag.USER_PIN_COUNT_LOW in flags()

    attempts = PinAttempts(config.attempts_directory, f"{token.label}/{token.serial.hex()}")
    pin = config.pin.read()
    try:
        with attempts.guard(pin, timeout=timeout, wrong_pin_given=wrong_pin_given if config.tells_wrong_pins else None):
            _check_tries_left(flags())
            return Login(token, _open_with_pin(token, pin.reveal()))
    finally:
        pin.clear()


def _check_tries_left(flags: Any) -> None:
    if TokenFlag.USER_PIN_LOCKED in flags:
        raise HsmPinError(Reason.PIN_LOCKED, "the token's user PIN is locked")
    if TokenFlag.USER_PIN_FINAL_TRY in flags:
        raise HsmPinError(
            Reason.PIN_LOCKED, "one wrong PIN more would lock the token; it was not tried", "Log in by hand first."
        )


def _open_with_pin(token: Any, pin: str) -> Any:
    try:
        return token.open(user_pin=pin)
    except UserAlreadyLoggedIn:  # by another pool of this process
        return token.open()
    except PKCS11Error as problem:
        raise from_pkcs11(problem, "logging in") from problem
