"""A worker's process: token, keys, services, gRPC server. Several run on one port; each can be killed at any moment."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from hsm.errors import HsmError
from isolation.readiness import say_ready
from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log
from monitoring.probe_record import ProbeRecord
from policy_render.errors import RenderError
from signer.app.child_process import SignalWait
from signer.app.composition import Worker
from signer.app.drill_metrics import DrillGauges
from signer.app.probing import EVERY_S, Probing
from signer.app.process_reach import enter_worker_sandbox
from signer.config import load_config
from signer.errors import SignerError

_log = logging.getLogger(__name__)


def main() -> int:
    """Serves until SIGTERM, then drains. SIGHUP: reads the grants file again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    forbid_dumps_and_privileges()
    json_log.configure(options.name)
    signals = SignalWait(signal.SIGTERM, signal.SIGHUP)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config, port_base=options.port_base)
        report = enter_worker_sandbox(config)
        worker = Worker.from_config(config, options.name)
        probing = Probing(worker.probe, worker.set_serving, ProbeRecord(config.probes_directory, options.name))
        probing.first()
        worker.start()
    except (SignerError, HsmError, RenderError) as problem:
        _log.error(str(problem))
        return 1
    probing.serve()
    drills = DrillGauges(config.drills_directory)
    drills.refresh()
    say_ready(options.ready_fd, report)
    while True:
        came = signals.wait(EVERY_S)
        if came is None:
            probing.again()
            drills.refresh()
        elif came is signal.SIGHUP:
            _reload(worker)
        else:
            break
    worker.drain(config.listener.drain_seconds)
    worker.close()
    return 0


def _reload(worker: Worker) -> None:
    """The grants file as it is now; what can't be used changes nothing. Either is on record."""
    try:
        version = worker.reload_grants()
        _log.info("grants reloaded", extra={"fields": {"version": version}})
    except SignerError as problem:
        _log.error(f"grants not reloaded; the old ones stay in force: {problem}")


if __name__ == "__main__":
    sys.exit(main())
