"""Is the appliance ready? From the supervisor's state file and the workers' probe records; also as metrics, with free space.

Reads only; holds no key. Not for starting or mending anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from monitoring import metrics
from monitoring.probe_record import ProbeRecord


class ApplianceState:
    """`state_file`: the supervisor's. `probing`: the processes that must have a fresh record in `probes_directory`.

    `volumes`: directories whose volumes' free space is told, by the name that the metric gives them.
    """

    def __init__(
        self, state_file: Path, probes_directory: Path, probing: Sequence[str], volumes: Mapping[str, Path]
    ) -> None:
        self._state_file = state_file
        self._probes = {name: ProbeRecord(probes_directory, name) for name in probing}
        self._volumes = volumes

    def unready(self) -> list[str]:
        """What is not ready: names of processes, "worker-0/signing" where a real signature failed or is overdue.

        "supervisor" alone when nobody looks after the processes.
        """
        children = self._children()
        if children is None:
            return ["supervisor"]
        processes = [name for name, child in children.items() if not child["ready"]]
        waited_for = [name for name in self._probes if name not in processes]  # one that isn't ready is told once
        return processes + [f"{name}/signing" for name in waited_for if not self._signs(name, children)]

    def publish(self) -> None:
        """Sets the metrics that rest on it."""
        children = self._children() or {}
        self._publish_isolation()
        metrics.ready.set(not self.unready())
        for name, child in children.items():
            metrics.process_ready.labels(name).set(bool(child["ready"]))
            metrics.process_start_time_seconds.labels(name).set(child["started"])
        for name in self._probes:
            metrics.signing_works.labels(name).set(self._signs(name, children))
        for name, directory in self._volumes.items():
            try:
                volume = os.statvfs(directory)
            except OSError:
                continue  # not there: its owner says so
            metrics.volume_free_bytes.labels(name).set(volume.f_bavail * volume.f_frsize)
            metrics.volume_size_bytes.labels(name).set(volume.f_blocks * volume.f_frsize)

    def _publish_isolation(self) -> None:
        try:
            isolation: dict[str, dict[str, Any]] = json.loads(self._state_file.read_text()).get("isolation", {})
        except (OSError, ValueError):
            return  # the appliance stops
        for process, measures in isolation.items():
            for measure, value in measures.items():
                if measure != "uid":
                    metrics.labelled(metrics.process_isolation, process, measure).set(int(value))

    def _signs(self, name: str, children: Mapping[str, Any]) -> bool:
        child = children.get(name)
        return child is not None and bool(child["ready"]) and self._probes[name].works()

    def _children(self) -> dict[str, Any] | None:
        """None when there is no living supervisor."""
        try:
            state = json.loads(self._state_file.read_text())
            children: dict[str, Any] = state["children"]
            _ask_for(state["supervisor"])
        except (OSError, ValueError, KeyError):
            return None
        return children


def _ask_for(process: int) -> None:
    """Raises ProcessLookupError when there is no such process."""
    with suppress(PermissionError):  # it lives, under another user or outside our sandbox
        os.kill(process, 0)
