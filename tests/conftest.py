"""What tests share: one running demo appliance for the whole session, made by the same commands that a person types.

Nothing here stands in for a part of the product: token, processes, sockets and database are real.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signer.client import ClientProfile, Connection, load_profile
from tests.made_appliances import running

# Test processes import modules with metrics: without this they would share the product's metrics directory.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)


@dataclass(frozen=True)
class RunningAppliance:
    """An appliance that answers. `pid`: of its supervisor."""

    directory: Path
    port: int
    pid: int

    @property
    def profile(self) -> ClientProfile:
        """Of the client core."""
        return load_profile(self.directory / "clients" / "core" / "profile.toml")

    @property
    def metrics_port(self) -> int:
        """Where /metrics is."""
        return self.port + 21

    @property
    def portal_url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port + 37}"

    def children(self) -> dict[str, int]:
        """Process ids by name."""
        state = json.loads((self.directory / "run" / "children.json").read_text())
        return {name: child["pid"] for name, child in state["children"].items()}


def free_port_base() -> int:
    """A port that is free together with those of the public listener, metrics and the portal beside it."""
    while True:
        # below the range that outgoing connections take their ports from: a poll there could connect to itself
        port = random.randrange(12_000, 32_000)
        with ExitStack() as opened:
            try:
                for offset in (0, 1, 21, 37):
                    opened.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """The session's appliance. Tests must leave it working; those that break things start their own."""
    directory = tmp_path_factory.mktemp("appliance")
    port = free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


@pytest.fixture(scope="session")
def connection(appliance: RunningAppliance) -> Iterator[Connection]:
    """A connection of the client core."""
    with Connection(appliance.profile) as opened:
        yield opened


@pytest.fixture(scope="session")
def sample(connection: Connection) -> dict[str, Any]:
    """The sample data of policy/commercial; copy before changing it."""
    from signer.v1 import document_pb2

    template = connection.call(
        connection.documents.GetTemplate, document_pb2.GetTemplateRequest(template="policy/commercial")
    )
    data: dict[str, Any] = json.loads(template.sample_json)
    return data
