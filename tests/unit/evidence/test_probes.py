"""Probes on real files and processes: what is right is shown, what was tampered with is contrary, what isn't there is unknown."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from hsm.token_information import TokenInformation
from signer.algorithms import SignMessage, load_public_key
from signer.audit.checkpoint import NoteKey
from signer.certificates.tls import make_authority, make_server
from signer.clock import ClockConfig
from signer.clock.published import Verdict
from signer.database.database_config import DatabaseConfig
from signer.database.engine import Database
from signer.errors import RequestError
from signer.evidence.fact import MAX_VALUE, Observation, Outcome, Probe, printable, shown
from signer.evidence.probes.catalogue import ALL, observe
from signer.evidence.probes.results_file import Results, read_results
from signer.evidence.remote import Refused
from signer.evidence.surroundings import (
    ClientFiles,
    GrantsSummary,
    GrantSummary,
    ListenerFacts,
    LogPlace,
    Surroundings,
)
from tests.merkle_logs import grown, same_length_entries
from tests.sm2_keys import new_sm2_key

_PROBES = {probe.name: probe for probe in ALL}
_GRANTS = GrantsSummary(3, 2, 1, 2, 2, (GrantSummary("core", 4, ("seal-sm2",), 1, True, "ab" * 32),))


class UnreachableAppliance:
    """A `RemoteAppliance` that nobody can reach, whatever is asked."""

    def __getattr__(self, name: str) -> object:
        def refuse(*_: object, **__: object) -> NoReturn:
            raise Refused("UNAVAILABLE", "", f"{name}: nobody answers")

        return refuse


def _nowhere(*_: object) -> NoReturn:
    raise FileNotFoundError(2, "No such file or directory")


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    spki, sign = new_sm2_key()
    return NoteKey("sample-log", load_public_key(spki)), sign


@pytest.fixture
def surroundings(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> Surroundings:
    """A log of 300 entries on disk, and otherwise an appliance that isn't there."""
    grown(tmp_path / "log", key, same_length_entries(300))
    nothing = tmp_path / "nothing"
    return Surroundings(
        production=False,
        company="示例",
        listeners=[ListenerFacts("lan", "mutual-tls", "127.0.0.1", 1)],
        client_files=ClientFiles(nothing, nothing, nothing, ""),
        read_grants=lambda: _GRANTS,
        log=LogPlace("sample-log", tmp_path / "log", lambda: key[0]),
        previous_checkpoint=None,
        open_database=lambda: Database.from_config(DatabaseConfig(f"sqlite:///{tmp_path}/empty.db")),
        blobs_directory=tmp_path / "blobs",
        read_token=_nowhere,
        read_log_token=_nowhere,
        state_file=nothing,
        configuration_files=(),
        lock_file=nothing,
        remote=UnreachableAppliance(),  # type: ignore[arg-type]  # answers every method alike
        metrics_page=_nowhere,
        drills_directory=nothing,
        clock=ClockConfig(("kernel",), 1.0, 64, 3600, nothing / "clock.json", nothing / "clock"),
        test_results=None,
    )


def _look(name: str, surroundings: Surroundings) -> Observation:
    return observe(_PROBES[name], surroundings)


def _facts(observation: Observation) -> dict[str, str]:
    return {fact.name: fact.value for fact in observation.facts}


def test_an_appliance_that_is_not_there_breaks_no_probe(surroundings: Surroundings) -> None:
    seen = {probe.name: observe(probe, surroundings).outcome for probe in ALL}
    for name in (
        "client-certificate",
        "public-listener",
        "keys",
        "own-signature",
        "hsm-token",
        "log-receipts",
        "metrics",
    ):
        assert seen[name] is Outcome.UNKNOWN, name
    for name in ("log-checkpoint", "log-fsck", "listeners", "grants", "grants-approval"):
        assert seen[name] is Outcome.SHOWN, name


def test_a_probe_that_breaks_is_an_answer(surroundings: Surroundings) -> None:
    def look(_: Surroundings) -> NoReturn:
        raise ZeroDivisionError("with a secret in it")

    seen = observe(Probe("broken", "坏", "broken", look), surroundings)
    assert seen.outcome is Outcome.UNKNOWN
    assert "secret" not in seen.told_zh + seen.told_en


def test_facts_can_be_printed(surroundings: Surroundings) -> None:
    from signer.evidence.fact import Fact

    ugly = Probe(
        "ugly",
        "丑",
        "ugly",
        lambda _: shown("好", "good", [Fact("a", "甲", "x\n\x07" + "y" * 5000), Fact("b", "乙", "")]),
    )
    first, second = observe(ugly, surroundings).facts
    assert first.value.isprintable()
    assert len(first.value) <= MAX_VALUE
    assert second.value == "—"
    assert printable(" a\u2028b ") == "a b"


def test_a_plain_listener_is_flagged(surroundings: Surroundings) -> None:
    plain = replace(surroundings, listeners=[ListenerFacts("lan", "plain", "10.0.0.1", 7443)])
    assert _look("listeners", plain).outcome is Outcome.CONTRARY
    assert _look("client-certificate", plain).outcome is Outcome.CONTRARY


def test_a_connection_that_is_closed_is_refused(surroundings: Surroundings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def read_and_close() -> None:
            connection, _ = server.accept()
            connection.settimeout(5)
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=read_and_close)
        thread.start()
        public = ListenerFacts("public", "sm-tls", "127.0.0.1", server.getsockname()[1])
        seen = _look("public-listener", replace(surroundings, listeners=[public]))
        thread.join()
    assert (seen.outcome, _facts(seen)) == (Outcome.SHOWN, {"ordinary-tls": "refused"})


def test_a_listener_that_takes_anybody_is_contrary(surroundings: Surroundings, tmp_path: Path) -> None:
    authority = make_authority("test authority")
    own = make_server(authority, "127.0.0.1")
    for name, content in (("ca", authority.certificate_pem), ("cert", own.certificate_pem), ("key", own.key_pem)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet_everybody() -> None:
            for _ in range(3):
                plain, _address = server.accept()
                with context.wrap_socket(plain, server_side=True) as secured:
                    secured.sendall(b"welcome")
                    secured.settimeout(5)
                    with suppress(OSError):
                        secured.recv(1)

        thread = threading.Thread(target=greet_everybody)
        thread.start()
        port = server.getsockname()[1]
        files = ClientFiles(tmp_path / "ca", tmp_path / "cert", tmp_path / "key", "")
        open_ones = [
            ListenerFacts("lan", "mutual-tls", "127.0.0.1", port),
            ListenerFacts("public", "sm-tls", "127.0.0.1", port),
        ]
        here = replace(surroundings, listeners=open_ones, client_files=files)
        without, ordinary = _look("client-certificate", here), _look("public-listener", here)
        thread.join()
    assert (without.outcome, _facts(without)["without-certificate"]) == (Outcome.CONTRARY, "accepted")
    assert (ordinary.outcome, _facts(ordinary)["ordinary-tls"]) == (Outcome.CONTRARY, "accepted")


@pytest.mark.parametrize(("required", "approved"), [(0, 0), (1, 1), (2, 1)])
def test_too_few_approvals_are_contrary(surroundings: Surroundings, required: int, approved: int) -> None:
    weak = replace(surroundings, read_grants=lambda: replace(_GRANTS, required=required, approved=approved))
    assert _look("grants-approval", weak).outcome is Outcome.CONTRARY


def test_a_development_token_is_flagged(surroundings: Surroundings) -> None:
    for development, outcome in ((True, Outcome.CONTRARY), (False, Outcome.SHOWN)):
        token = partial(TokenInformation, "t", "m", "model", "1", development)
        assert _look("hsm-token", replace(surroundings, read_token=token)).outcome is outcome


def test_a_tampered_log_is_contrary(surroundings: Surroundings) -> None:
    bundle = next((surroundings.log.folder / "tile" / "entries").rglob("000"))
    content = bytearray(bundle.read_bytes())
    content[4] ^= 1  # of the first entry, which is among the samples
    bundle.write_bytes(content)
    assert _look("log-fsck", surroundings).outcome is Outcome.CONTRARY
    assert _look("log-receipts", surroundings).outcome is Outcome.CONTRARY
    (surroundings.log.folder / "checkpoint").write_text("sample-log\n300\n")
    assert _look("log-checkpoint", surroundings).outcome is Outcome.CONTRARY


def test_a_log_that_only_grew_and_one_that_was_cut(
    surroundings: Surroundings, key: tuple[NoteKey, SignMessage], tmp_path: Path
) -> None:
    grown(tmp_path / "short", key, same_length_entries(120))
    grown(tmp_path / "other", key, [b"another beginning", *same_length_entries(119)])
    earlier = (tmp_path / "short" / "checkpoint").read_text()
    seen = _look("log-consistency", replace(surroundings, previous_checkpoint=earlier))
    assert (seen.outcome, _facts(seen)) == (Outcome.SHOWN, {"from": "120", "to": "300"})
    later = (surroundings.log.folder / "checkpoint").read_text()
    cut = replace(surroundings.log, folder=tmp_path / "short")
    assert (
        _look("log-consistency", replace(surroundings, log=cut, previous_checkpoint=later)).outcome is Outcome.CONTRARY
    )
    forked = (tmp_path / "other" / "checkpoint").read_text()
    assert _look("log-consistency", replace(surroundings, previous_checkpoint=forked)).outcome is Outcome.CONTRARY


def test_processes_are_seen_as_the_kernel_shows_them(surroundings: Surroundings, tmp_path: Path) -> None:
    state = tmp_path / "children.json"
    children = {"renderer-0": {"pid": os.getpid(), "ready": True}, "worker-0": {"pid": 1 << 22, "ready": True}}
    state.write_text(json.dumps({"children": children}))
    here = replace(surroundings, state_file=state)
    running = _look("processes-running", here)
    assert (running.outcome, _facts(running)["not-ready"]) == (Outcome.CONTRARY, "worker-0")
    del children["worker-0"]
    state.write_text(json.dumps({"children": children}))
    assert _look("processes-running", here).outcome is Outcome.SHOWN
    # this very process is no renderer: it is not confined, and the probe says so
    assert _look("process-isolation", here).outcome is Outcome.CONTRARY
    uid = _facts(_look("process-privileges", here))["as-root"]
    assert (uid == "renderer-0") == (os.getuid() == 0)


def test_the_clock_is_what_its_watch_says(surroundings: Surroundings, tmp_path: Path) -> None:
    assert _look("time-source", surroundings).outcome is Outcome.UNKNOWN
    clock = replace(surroundings.clock, published_file=tmp_path / "clock.json")
    here = replace(surroundings, clock=clock)
    Verdict(0.0, 0.0, (), {"kernel": "+0.000 s"}).publish(clock.published_file)
    assert _look("time-source", here).outcome is Outcome.SHOWN
    assert _look("time-source", replace(here, clock=replace(clock, sources=()))).outcome is Outcome.CONTRARY
    Verdict(0.0, 0.0, ("stepped-back",), {}).publish(clock.published_file)
    seen = _look("time-source", here)
    assert (seen.outcome, _facts(seen)["troubles"]) == (Outcome.CONTRARY, "stepped-back")


_JUNIT = """<?xml version="1.0"?><testsuites><testsuite tests="9">
<testcase name="a"/><testcase name="b"><failure message="m">text</failure></testcase>
<testcase name="c"><error/><failure/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>"""


def test_results_are_counted(surroundings: Surroundings, tmp_path: Path) -> None:
    junit, counts = tmp_path / "junit.xml", tmp_path / "counts.json"
    junit.write_text(_JUNIT)
    assert read_results(junit) == Results(4, 2, 1)
    counts.write_text('{"tests": 7, "failures": 0, "errors": 0, "skipped": 0}')
    assert read_results(counts) == Results(7, 0, 0)
    assert _look("test-results", replace(surroundings, test_results=junit)).outcome is Outcome.CONTRARY
    assert _look("test-results", replace(surroundings, test_results=counts)).outcome is Outcome.SHOWN
    assert _look("test-results", surroundings).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "{}",
        '{"tests": true, "failures": 0, "errors": 0, "skipped": 0}',
        '{"tests": -1, "failures": 0, "errors": 0, "skipped": 0}',
        "<html/>",
        "<testsuites>",
        '<!DOCTYPE a [<!ENTITY b "c">]><testsuites/>',
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "results"
    file.write_text(content)
    with pytest.raises(RequestError):
        read_results(file)
