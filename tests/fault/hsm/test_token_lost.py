"""The token goes away, forgets the login, is closed or taken into a forked process: a typed error each time, and it comes back."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from hsm.token_config import TokenConfig
from tests.token_fixture import make_token

# Each program runs in a process of its own: a process has one PKCS#11 module with one configuration.
_BEGINNING = """
import os, pickle, sys, threading, time
from pathlib import Path
import pytest
from hsm.errors import *
from hsm.keys import KeyHandle, RsaKeySpec, Sm2KeySpec
from hsm.mechanisms import Mechanism
from hsm.token import Pkcs11Token
config = pickle.loads(bytes.fromhex(sys.argv[1]))
folder = config.attempts_directory.parent
e = bytes(31) + b"\\x01"
"""
_OPENED = (
    _BEGINNING
    + """
token = Pkcs11Token.from_config(config)
token.generate_key_pair(b"k", "k", Sm2KeySpec(), timeout=10)
key = token.open_key(b"k")
sign = lambda: token.sign(key, Mechanism.SM2, e, timeout=5)
assert len(sign()) == 64
"""
)


def _run(config: TokenConfig, program: str) -> None:
    command = [sys.executable, "-c", program, pickle.dumps(config).hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def config(tmp_path: Path) -> TokenConfig:
    """A fresh token for a process of the test's own."""
    return make_token(tmp_path / "token")


def test_a_token_that_is_gone_is_unavailable_and_no_key_is_missing(config: TokenConfig) -> None:
    _run(
        config,
        _OPENED
        + """
(folder / "tokens").rename(folder / "away")
for call in (sign, lambda: token.open_key(b"k"), lambda: token.public_key(key), lambda: token.probe(timeout=5)):
    for _ in range(4):
        with pytest.raises(HsmUnavailable):
            call()
(folder / "away").rename(folder / "tokens")
until = time.monotonic() + 30
while True:
    try:
        assert len(sign()) == 64
        break
    except HsmUnavailable:
        assert time.monotonic() < until
        time.sleep(0.1)
token.probe(timeout=5)
assert token.public_key(token.open_key(b"k"))
""",
    )


def test_threads_that_lose_the_token_find_it_again(config: TokenConfig) -> None:
    _run(
        config,
        _OPENED
        + """
done, errors, stop = [0], [], threading.Event()
def work():
    while not stop.is_set():
        try:
            sign()
            done[0] += 1
        except (HsmUnavailable, HsmBusy):
            time.sleep(0.01)
        except Exception as problem:
            errors.append(problem)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for _ in range(3):
    time.sleep(0.3)
    (folder / "tokens").rename(folder / "away")
    time.sleep(0.3)
    (folder / "away").rename(folder / "tokens")
    before, until = done[0], time.monotonic() + 30
    while done[0] <= before + 20:
        assert time.monotonic() < until, "it did not come back"
        time.sleep(0.05)
stop.set()
for thread in threads:
    thread.join()
assert not errors, errors[:3]
""",
    )


def test_a_closed_token_refuses_everything(config: TokenConfig) -> None:
    _run(
        config,
        _OPENED
        + """
token.close()
token.close()
for call in (sign, lambda: token.probe(timeout=5)):
    with pytest.raises(HsmUnavailable, match="closed"):
        call()
again = Pkcs11Token.from_config(config)
assert len(again.sign(again.open_key(b"k"), Mechanism.SM2, e, timeout=5)) == 64
""",
    )


def test_a_forked_process_is_told(config: TokenConfig) -> None:
    _run(
        config,
        _OPENED
        + """
child = os.fork()
if child == 0:
    try:
        sign()
    except HsmError as problem:
        os._exit(0 if problem.reason is Reason.CONFIGURATION else 1)
    os._exit(2)
assert os.waitpid(child, 0)[1] == 0
assert len(sign()) == 64
""",
    )


def test_who_waits_for_a_session_is_served_in_order(tmp_path: Path) -> None:
    _run(
        make_token(tmp_path / "one", sessions=1),
        _OPENED
        + """
order = []
def wait(number):
    with token._pool.lease(30):
        order.append(number)
with token._pool.lease(5):
    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(token._pool._queue) <= number:
            time.sleep(0.01)
for thread in threads:
    thread.join()
assert order == sorted(order), order
""",
    )


def test_a_wrong_pin_reaches_the_token_once_and_an_unfinished_login_is_resolved_by_it(config: TokenConfig) -> None:
    _run(
        config,
        _BEGINNING
        + """
from hsm.pin_attempts import PinAttempts
logins = []
import hsm.login as login
plain = login._open_with_pin
login._open_with_pin = lambda token, pin: (logins.append(pin), plain(token, pin))[1]
right = config.pin.file.read_text()
def attempt(pin):
    config.pin.file.write_text(pin)
    return Pkcs11Token.from_config(config)
for pin in ("11111111", "22222222", "11111111", "22222222", "11111111"):
    with pytest.raises(HsmPinError):
        attempt(pin)
assert logins == ["11111111", "22222222"], logins
attempt(right).close()
# a login whose end nobody wrote down: the token says that no wrong PIN came since the last right one
for record in (folder / "pin-attempts").glob("*.json"):
    raise AssertionError(record)
def die(token, pin):
    raise KeyboardInterrupt
login._open_with_pin = die
with pytest.raises(KeyboardInterrupt):
    attempt(right)
assert list((folder / "pin-attempts").glob("*.json"))
login._open_with_pin = plain
attempt(right).close()
""",
    )


def test_plain_softhsm_does_rsa_and_says_that_it_does_no_sm2(tmp_path: Path) -> None:
    _run(
        make_token(tmp_path / "plain", profile="softhsm"),
        _BEGINNING
        + """
token = Pkcs11Token.from_config(config)
assert token.information().is_development
token.generate_key_pair(b"r", "r", RsaKeySpec(2048), timeout=60)
key = token.open_key(b"r")
for mechanism in (Mechanism.RSA_PKCS1_SHA256, Mechanism.RSA_PSS_SHA256):
    assert len(token.sign(key, mechanism, bytes(32), timeout=5)) == 256
with pytest.raises(HsmMechanismError):
    token.sign(key, Mechanism.SM2, e, timeout=5)
with pytest.raises(HsmMechanismError):
    token.generate_key_pair(b"s", "s", Sm2KeySpec(), timeout=5)
""",
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such PKCS#11 module"), (b"not a library", "can't be loaded"), ("libc", "C_GetFunctionList")],
)
def test_a_module_that_is_none_is_a_fault_of_the_configuration(
    config: TokenConfig, tmp_path: Path, content: bytes | str | None, told: str
) -> None:
    from dataclasses import replace

    file = tmp_path / "module.so"
    if content == "libc":
        file = next(Path("/lib").glob("*/libm.so.6"))
    elif isinstance(content, bytes):
        file.write_bytes(content)
    broken = replace(config, module=replace(config.module, vendor_module=file))
    _run(
        broken,
        _BEGINNING
        + f"""
with pytest.raises(HsmError) as refused:
    Pkcs11Token.from_config(config)
assert refused.value.reason is Reason.CONFIGURATION
assert {told!r} in str(refused.value), str(refused.value)
""",
    )
