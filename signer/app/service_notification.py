"""Tells systemd that the appliance is ready, and that it stops (sd_notify(3), Type=notify). Without systemd nothing is told."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify_service(state: str) -> None:
    """`state`: "READY=1" or "STOPPING=1". Nobody who listens is not an error."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send(state.encode())
