"""Waiting for signals over interruptions, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

_WAITER = """
import signal, sys
from signer.app.child_process import SignalWait
signals = SignalWait(signal.SIGTERM, signal.SIGHUP)
print("waiting", flush=True)
rounds = 0
while (came := signals.wait(0.2)) is not signal.SIGTERM:
    rounds += came is None
    if came is not None:
        print(came.name, flush=True)
print(came.name, rounds > 0, flush=True)
"""


def test_stopping_and_continuing_a_process_ends_nothing() -> None:
    """Longer than it waits: Python answers with an uninitialised record then."""
    with subprocess.Popen([sys.executable, "-c", _WAITER], stdout=subprocess.PIPE, text=True) as waiter:
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == "waiting\n"
        for _ in range(4):
            time.sleep(0.1)
            os.kill(waiter.pid, signal.SIGSTOP)
            time.sleep(0.4)
            os.kill(waiter.pid, signal.SIGCONT)
        assert waiter.poll() is None
        waiter.send_signal(signal.SIGHUP)
        assert waiter.stdout.readline() == "SIGHUP\n"
        waiter.terminate()
        assert waiter.stdout.read() == "SIGTERM True\n"
