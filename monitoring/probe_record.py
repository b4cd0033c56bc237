"""What each worker's last real signature came to: written by the worker, read by the exporter, which holds no key.

One small file for each worker in `run/probes`. Times are of the clock that runs since boot, which all processes of a machine
share and nobody sets. Not for deciding when to probe.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

OK = "ok"
# Workers probe every five seconds and give a probe three: whoever is silent for four times as long hangs.
STALE_AFTER_S = 20.0


class ProbeRecord:
    """The file of one process."""

    def __init__(self, directory: Path, process: str) -> None:
        self._file = directory / f"{process}.json"

    def write(self, result: str) -> None:
        """`result`: OK, or the reason code of what went wrong. Raises OSError."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps({"result": result, "at": time.monotonic()}))
        temporary.replace(self._file)

    def works(self) -> bool:
        """True when the last signature succeeded, lately. What can't be read is no success."""
        try:
            content = json.loads(self._file.read_text())
            age = time.monotonic() - float(content["at"])
            return bool(content["result"] == OK) and 0 <= age <= STALE_AFTER_S
        except (OSError, ValueError, KeyError, TypeError):
            return False
