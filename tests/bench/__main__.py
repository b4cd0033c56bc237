"""One table of ratios, and build/bench.json. Ours and reference take turns, so that noise meets both; medians of the rounds."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from demo.appliance import running
from tests.bench import bare_ways, boundary, documents, work
from tests.bench.costs import Cost, costs
from tests.bench.null_server import null_server
from tests.bench.reference_servers import bare_tls, plain_log, unlogged_workers, workers_anew
from tests.bench.workload import Load, Place, rate, rates_in_turns
from tests.conftest import free_port_base

_WORKERS = 2  # as the demo appliance has, and as many processes in every reference
_ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """What build/bench.json holds for each name. `goal`: None where a goal's way of working is measured bare."""

    name: str
    ours: float
    reference: float
    unit: str
    ratio: float
    goal: float | None

    def __str__(self) -> str:
        line = f"{self.name:<42}{self.ours:>10.0f}{self.reference:>12.0f}  {self.unit:<14}{self.ratio:>8.2f}"
        if self.goal is None:
            return f"{line}   bare"
        return f"{line}{self.goal:>7.2f}" + ("" if self.ratio >= self.goal else "  not reached")


@dataclass(frozen=True)
class Places:
    """The appliance, and the null server beside it."""

    appliance: Place
    null: Place


def _alternate(
    ours: Callable[[], float], references: list[Callable[[], float]], rounds: int = _ROUNDS
) -> tuple[float, list[float]]:
    """Medians of ours and of each reference, measured in turns."""
    mine: list[float] = []
    others: list[list[float]] = [[] for _ in references]
    for _ in range(rounds):
        mine.append(ours())
        for values, reference in zip(others, references, strict=True):
            values.append(reference())
    return statistics.median(mine), [statistics.median(values) for values in others]


def _batch(name: str, kind: str, places: Places) -> Row:
    here = places.appliance
    ours, (bare,) = _alternate(
        lambda: rate(Load(work.sign_batch(kind), processes=1, threads=8), here),
        [lambda: rate(Load(work.bare(kind), processes=_WORKERS), here)],
    )
    return Row(name, ours, bare, "signatures/s", ours / bare, 0.8)


def _unary(name: str, kind: str, callers: int, places: Places) -> Row:
    client = {"processes": 1, "threads": 1} if callers == 1 else {"processes": 2, "threads": callers // 2}
    ours, (bare, null) = _alternate(
        lambda: rate(Load(work.sign_unary(kind), **client), places.appliance),
        [
            lambda: rate(Load(work.bare(kind), processes=1 if callers == 1 else _WORKERS), places.appliance),
            lambda: rate(Load(work.sign_unary(kind), **client), places.null),
        ],
    )
    limit = 1 / (1 / bare + 1 / null)
    return Row(name, ours, limit, "signatures/s", ours / limit, 0.7)


def _documents(name: str, reference: Callable[[Place, int], Callable[[], int]], goal: float, places: Places) -> Row:
    here = places.appliance
    ours, (other,) = _alternate(
        lambda: rate(Load(work.issue_document, processes=1, threads=6, seconds=6), here),
        [lambda: rate(Load(reference, processes=_WORKERS, seconds=6), here)],
    )
    return Row(name, ours, other, "documents/s", ours / other, goal)


def _verification(name: str, places: Places) -> Row:
    here = places.appliance
    ours, (other,) = _alternate(
        lambda: rate(Load(work.verify_document, processes=1, threads=6), here),
        [lambda: rate(Load(work.pyhanko_validation, processes=_WORKERS), here)],
    )
    return Row(name, ours, other, "documents/s", ours / other, 20)


def _bare_verification(name: str, places: Places) -> Row:
    """A file of our own that is received and hashed, and not verified."""
    ours, (other,) = _alternate(
        lambda: rate(Load(partial(bare_ways.receive_and_hash, places.appliance), processes=1, threads=6), places.null),
        [lambda: rate(Load(work.pyhanko_validation, processes=_WORKERS), places.appliance)],
    )
    return Row(name, ours, other, "documents/s", ours / other, None)


def _bare_judgement(name: str, places: Places) -> Row:
    """A stranger's file in a confined process of its own, where pyHanko alone judges it."""
    here = places.appliance
    with bare_ways.confined_pyhanko(here.directory):
        ours, (other,) = _alternate(
            lambda: rate(Load(bare_ways.pyhanko_in_a_process_each, processes=1, threads=6), here),
            [lambda: rate(Load(documents.pyhanko_stranger, _WORKERS), here)],
        )
    return Row(name, ours, other, "documents/s", ours / other, None)


def _bare_issue(name: str, places: Places) -> Row:
    """The smallest document: rendered, a bare signature, an answer."""
    reference = "mark/compulsory@1"
    ours, (typst,) = _alternate(
        lambda: rate(Load(documents.issue(reference), processes=1, threads=6), places.null),
        [lambda: rate(Load(documents.render(reference), processes=_WORKERS), places.appliance)],
    )
    return Row(name, ours, typst, "documents/s", ours / typst, None)


def _template_row(reference: str, name: str, places: Places) -> Row:
    """Shorter than the others: there are many templates."""
    here = places.appliance
    ours, (typst,) = _alternate(
        lambda: rate(Load(documents.issue(reference), processes=1, threads=6, seconds=3), here),
        [lambda: rate(Load(documents.render(reference), processes=_WORKERS, seconds=3), here)],
        rounds=1,
    )
    return Row(name, ours, typst, "documents/s", ours / typst, 0.85)


def _compared(ours: Load, reference: Load, goal: float, unit: str = "documents/s") -> Callable[[str, Places], Row]:
    """One load against another, in the same place."""

    def row(name: str, places: Places) -> Row:
        mine, (other,) = _alternate(lambda: rate(ours, places.appliance), [lambda: rate(reference, places.appliance)])
        return Row(name, mine, other, unit, mine / other, goal)

    return row


def _logged_sign(name: str, places: Places) -> Row:
    """The log's share of a call is smaller than the machine's drift, so the two take turns of a second. Processes of the same program
    differ by some per cent for as long as they live, so callers and both kinds of workers are started anew several times.
    """
    here = places.appliance
    load = Load(work.sign_unary("sm2"), processes=2, threads=32)
    logged: list[float] = []
    unlogged: list[float] = []
    for _ in range(6):
        workers_anew(here.directory)
        beside = Place(here.directory, free_port_base())
        with unlogged_workers(beside.directory, beside.port, _WORKERS):
            mine, others = rates_in_turns([(load, here), (load, beside)], rounds=25)
        logged += mine
        unlogged += others
    ratio = statistics.median(ours / other for ours, other in zip(logged, unlogged, strict=True))
    return Row(name, statistics.median(logged), statistics.median(unlogged), "signatures/s", ratio, 0.9)


def _log_append(name: str, places: Places) -> Row:
    callers = {"processes": 2, "threads": 32}
    ours_at = Place(places.appliance.directory / "run", 0)
    with tempfile.TemporaryDirectory() as folder, plain_log(Path(folder)):
        ours, (plain,) = _alternate(
            lambda: rate(Load(boundary.append_entry, **callers), ours_at),
            [lambda: rate(Load(boundary.append_entry, **callers), Place(Path(folder), 0))],
            rounds=5,
        )
    return Row(name, ours, plain, "entries/s", ours / plain, 0.7)


def _smtls_calls(name: str, places: Places) -> Row:
    lan = places.appliance
    public = Place(lan.directory, lan.port + 1)
    callers = {"processes": 2, "threads": 32}
    ours, (mtls,) = _alternate(
        lambda: rate(Load(boundary.sign_as("channel"), **callers), public),
        [lambda: rate(Load(boundary.sign_as("core"), **callers), lan)],
    )
    return Row(name, ours, mtls, "signatures/s", ours / mtls, 0.6)


def _smtls_handshake(name: str, places: Places) -> Row:
    """The public listener against the TLS library alone."""
    directory = places.appliance.directory
    public, bare = Place(directory, places.appliance.port + 1), Place(directory, free_port_base())
    load = Load(boundary.shake_hands, 1, threads=4)
    with bare_tls(directory, bare.port):
        ours, (library,) = _alternate(lambda: rate(load, public), [lambda: rate(load, bare)])
    return Row(name, ours, library, "handshakes/s", ours / library, 0.7)


def _smtls_bulk(name: str, places: Places) -> Row:
    """The same for bytes, in turns: a run of seconds differs from the next by a tenth. A turn counts a hundred megabytes, in whole
    messages, so that what counts is the mean of all.
    """
    directory = places.appliance.directory
    public, bare = Place(directory, places.appliance.port + 1), Place(directory, free_port_base())
    through, alone = (Load(boundary.send_bulk, 1), public), (Load(boundary.send_records, 1), bare)
    with bare_tls(directory, bare.port):
        ours, library = map(statistics.mean, rates_in_turns([through, alone], rounds=20, seconds=2))
    return Row(name, ours / 1_000_000, library / 1_000_000, "MB/s", ours / library, 0.7)


MEASUREMENTS: dict[str, Callable[[str, Places], Row]] = {
    "sign-batch-sm2": lambda name, places: _batch(name, "sm2", places),
    "sign-batch-rsa2048": lambda name, places: _batch(name, "rsa2048", places),
    "sign-unary-sm2-1": lambda name, places: _unary(name, "sm2", 1, places),
    "sign-unary-rsa2048-1": lambda name, places: _unary(name, "rsa2048", 1, places),
    "sign-unary-sm2-64": lambda name, places: _unary(name, "sm2", 64, places),
    "sign-unary-rsa2048-64": lambda name, places: _unary(name, "rsa2048", 64, places),
    "issue-document": lambda name, places: _documents(name, work.typst_alone, 0.8, places),
    "issue-document-peer": lambda name, places: _documents(name, work.typst_and_pyhanko, 1.5, places),
    "verify-own-document": _verification,
    "verify-own-bare": _bare_verification,
    "seal-alone": _compared(Load(documents.seal_alone, 1), Load(documents.pyhanko_seal, 1), 20),
    "verify-foreign-document": _compared(
        Load(documents.verify_stranger, 1, threads=6), Load(documents.pyhanko_stranger, _WORKERS), 0.8
    ),
    "verify-foreign-bare": _bare_judgement,
    "timestamp": _compared(
        Load(documents.timestamp, 2, threads=16), Load(work.bare("timestamp"), _WORKERS), 0.5, "timestamps/s"
    ),
    "logged-sign-64": _logged_sign,
    "log-append": _log_append,
    "smtls-calls": _smtls_calls,
    "smtls-handshake": _smtls_handshake,
    "smtls-bulk": _smtls_bulk,
    **{
        f"issue-{reference.partition('@')[0].replace('/', '-')}": partial(_template_row, reference)
        for reference in documents.templates()
    },
    "issue-mark-compulsory-bare": _bare_issue,
}

_COSTS = "costs"  # a table of its own: by pages and signatures


def main() -> int:
    """Prints the table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*sorted(MEASUREMENTS), _COSTS], help="one measurement")
    options = parser.parse_args()
    names = [options.only] if options.only else [*MEASUREMENTS, _COSTS]
    rows: list[Row | Cost] = []
    with tempfile.TemporaryDirectory() as folder:
        directory, port, null_port = Path(folder), free_port_base(), free_port_base()
        with running(directory, port), null_server(directory, null_port, _WORKERS):
            places = Places(Place(directory, port), Place(directory, null_port))
            print(f"{'name':<42}{'ours':>10}{'reference':>12}  {'unit':<14}{'ratio':>8}{'goal':>7}", flush=True)
            for name in names:
                if name == _COSTS:
                    rows += costs(places.appliance)
                    continue
                row = MEASUREMENTS[name](name, places)
                rows.append(row)
                print(row, flush=True)
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
