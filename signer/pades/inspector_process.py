"""The inspector's process: `python -m signer.pades.inspector_process --listen-fd N --ready-fd M --anchors DIR`.

A warmed parent, itself in a sandbox, forks for each file; the child judges it inside a narrower one (no network, no programs, no
files but those of Python, limits on memory and time) and is gone. No token, no key, no database: all that a hostile file could win is a
report on itself.
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import socket
import sys
import sysconfig
from functools import partial
from pathlib import Path

import lxml.etree  # noqa: F401 - pyHanko loads it when it compares metadata; from inside of the sandbox its libraries can't be found

from isolation.fork_server import ForkLimits, ForkServer
from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import enter_sandbox, forbid_dumps_and_privileges
from monitoring import json_log
from signer.certificates import TrustStore, TrustStoreConfig
from signer.errors import ConfigurationError, Reason, SignerError
from signer.findings import FindingCode, finding
from signer.pades.evidence import Integrity
from signer.pades.foreign import inspect_pdf
from signer.pades.inspection import InspectionReport
from signer.pades.inspector_task import Task, places_to_json, read_task
from signer.pades.pyhanko_reading import read_faster
from signer.pades.pyhanko_sm2 import register_names
from signer.pades.stranger_plan import StrangerPlan, Unsafe, UnsafeToSeal, answer_of, refusal_of
from signer.pades.stranger_sealing import prepare_stranger, remember_time_zone
from signer.pades.text_places import TextUnreadable, find_text

_log = logging.getLogger(__name__)
_WALL_SECONDS = 25.0
# Honest files take a tenth of this; ten bombs at once are gone before anybody's patience is ([inspector] timeout_seconds).
_CROWDED_SECONDS = 8.0
# The largest document, and a plan with a picture for each seal.
_REQUEST_BYTES = 48 * 1024 * 1024
WARM_UP = Path(__file__).parent / "warm_up"  # made by scripts/make_warm_up.py
_WARM_UP_SIGNATURES = 2


def main() -> int:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anchors", type=Path, required=True, help="directory with the trust anchors, PEM")
    parser.add_argument("--children", type=int, default=4, help="files judged at the same time")
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    json_log.configure("inspector")
    # pyHanko logs what it finds, names and all; the report is where findings belong.
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL + 1)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL + 1)
    forbid_dumps_and_privileges()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    register_names()
    read_faster()
    try:
        trust = TrustStore.from_config(TrustStoreConfig(options.anchors))
        warm_up()
    except SignerError as problem:
        _log.error(str(problem))
        return 1
    remember_time_zone()
    limits = ForkLimits(
        PROCESSES["inspection"].limits,
        wall_seconds=_WALL_SECONDS,
        children=options.children,
        request_bytes=_REQUEST_BYTES,
        crowded_seconds=_CROWDED_SECONDS,
    )
    readable = _python_libraries()
    server = ForkServer(socket.socket(fileno=options.listen_fd), partial(answer, trust), readable, limits)
    gc.collect()
    gc.freeze()  # what is loaded by now is shared with every child instead of copied into it
    report = enter_sandbox(readable=readable, limits=PROCESSES["inspector"].limits)
    say_ready(options.ready_fd, report)
    server.serve()
    return 0


def warm_up() -> None:
    """Judges a kept document of two signatures, so that what judging loads and remembers is there once, not made in every child.

    Raises ConfigurationError: it is not judged as it should be, so no other document could be relied on.
    """
    trust = TrustStore.from_config(TrustStoreConfig(WARM_UP / "anchors"))
    report = inspect_pdf((WARM_UP / "signed.pdf").read_bytes(), trust)
    # Not the verdicts: those depend on the clock.
    if report.integrity is not Integrity.WHOLE or len(report.signatures) != _WARM_UP_SIGNATURES:
        raise ConfigurationError(
            Reason.START_FAILED, f"{WARM_UP}: not judged as it should be", "Install the appliance again."
        )


def answer(trust: TrustStore, request: bytes) -> bytes:
    """The answer to one request: a report, or where a text stands; empty for a file that can't be read."""
    task, argument, pdf = read_task(request)
    if task is Task.FIND_TEXT:
        try:
            return places_to_json(find_text(pdf, argument))
        except TextUnreadable:
            return b""
    if task is Task.PREPARE:
        return _prepare(pdf, argument)
    return _inspect(trust, pdf)


def _prepare(pdf: bytes, plan: str) -> bytes:
    try:
        return answer_of(*prepare_stranger(pdf, StrangerPlan.from_json(plan)))
    except UnsafeToSeal as problem:
        return refusal_of(problem.reason)
    except Exception:  # noqa: BLE001 - pyHanko meets hostile files with many kinds of exceptions; all mean the same here
        return refusal_of(Unsafe.DAMAGED)


def _inspect(trust: TrustStore, pdf: bytes) -> bytes:
    try:
        return inspect_pdf(pdf, trust).to_json()
    except MemoryError:
        return InspectionReport(Integrity.UNREADABLE, None, (finding(FindingCode.INSPECTION_LIMIT),)).to_json()


def _python_libraries() -> list[Path]:
    """Where modules come from that are loaded late; the child can read nothing else."""
    places = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return sorted(place for place in places if place.is_dir())


if __name__ == "__main__":
    sys.exit(main())
