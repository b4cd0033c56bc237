"""A worker's process: token, keys, services, gRPC server. Several run on one port; each can be killed at any moment."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from hsm.errors import HsmError
from monitoring import json_log
from policy_render.errors import RenderError
from signer.app.child_process import say_ready
from signer.app.composition import Worker
from signer.config import load_config
from signer.errors import SignerError

_log = logging.getLogger(__name__)
_PROBE_EVERY_S = 5.0


def main() -> int:
    """Serves until SIGTERM, then drains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    json_log.configure(options.name)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config, port_base=options.port_base)
        worker = Worker.from_config(config, options.name)
        worker.probe()
        worker.start()
    except (SignerError, HsmError, RenderError) as problem:
        _log.error(str(problem))
        return 1
    worker.set_serving(True)
    say_ready(options.ready_fd)
    serving = True
    while not stop.wait(_PROBE_EVERY_S):
        serving = _probe(worker, serving)
    worker.drain(config.listener.drain_seconds)
    worker.close()
    return 0


def _probe(worker: Worker, was_serving: bool) -> bool:
    """Really signs; what the health service answers follows from that."""
    try:
        worker.probe()
        serving = True
    except (SignerError, HsmError) as problem:
        serving = False
        if was_serving:
            _log.error("not serving", extra={"fields": {"reason": problem.reason.value}})
    if serving != was_serving:
        worker.set_serving(serving)
        if serving:
            _log.info("serving again")
    return serving


if __name__ == "__main__":
    sys.exit(main())
