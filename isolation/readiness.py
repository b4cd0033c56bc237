"""What a process tells the supervisor once it works: that it is ready, and which measures hold it.

A byte and a JSON object over the inherited pipe, told before the first byte of a client, so that nobody else has had a say in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from isolation.sandbox import SandboxReport

# A write of this size to a pipe is whole or not at all (PIPE_BUF of Linux).
LONGEST_MESSAGE = 4096
_READY = b"1"


def say_ready(ready_fd: int, report: SandboxReport | None = None) -> None:
    """Tells the supervisor that requests are answered from now on. `report`: None for a process without a sandbox."""
    os.write(ready_fd, _READY + json.dumps(asdict(report) if report is not None else {}).encode())
    os.close(ready_fd)


def read_report(message: bytes) -> Mapping[str, Any]:
    """What a process told, field by field of `SandboxReport`; empty where that is nothing."""
    try:
        told = json.loads(message.removeprefix(_READY))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
