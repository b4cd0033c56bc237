"""kill -9 for tests: at random moments, and waiting until an appliance signs again."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Sequence

from signer.client import Connection, RemoteError
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance


def kill(appliance: RunningAppliance, name: str) -> None:
    """Raises OSError, KeyError where it is not there just now."""
    os.kill(appliance.children()[name], signal.SIGKILL)


def is_whole(appliance: RunningAppliance) -> bool:
    """Whether all its processes are ready."""
    try:
        state = json.loads((appliance.directory / "run" / "children.json").read_text())
    except (OSError, ValueError):
        return False
    return all(child["ready"] for child in state["children"].values())


def kill_at_random(appliance: RunningAppliance, names: Sequence[str], stop: threading.Event, seed: int) -> None:
    """Kills one of these processes after another, each time the appliance is whole again: faster, a slow machine would never be."""
    choice = random.Random(seed)
    while not stop.wait(choice.uniform(0.05, 0.8)):
        if not is_whole(appliance):
            continue
        try:
            kill(appliance, choice.choice(names))
        except (ProcessLookupError, FileNotFoundError, KeyError):
            continue


def eventually_signs(appliance: RunningAppliance, seconds: float = 60) -> None:
    """Waits until a signature works again."""
    until = time.monotonic() + seconds
    while True:
        try:
            with Connection(appliance.profile, timeout=5) as connection:
                connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
        except RemoteError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
