"""Central log keeping: what is exported stands under a signed head, goes on where it stopped, and notices another log (T13).

Threat: T26.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from signer.algorithms import SignMessage
from signer.audit import LogEntry
from signer.audit.checkpoint import NoteKey, verify_checkpoint
from signer.audit.export import ExportedEntry, Exporter, Position
from signer.audit.merkle import SM3, Frontier, ProofError
from signer.audit.syslog import CollectorConfig, SyslogConnection, SyslogFormat
from signer.audit.tree import Tree
from signer.cli.__main__ import main
from signer.errors import ApplianceError, ConfigurationError, Reason
from tests.merkle_logs import grown, log_beside_its_key, new_log_key
from tests.syslog_collector import Collector

_MESSAGE = re.compile(
    rb"<110>1 (?P<time>\S+) \S+ signer - (?P<kind>\S+) \[signer@32473 (?P<data>(?:[a-z]+=\"[^\"\\\]]*\" ?)+)\] \xef\xbb\xbf(?P<text>.*)",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("log.example")


@pytest.fixture
def log(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> Path:
    return log_beside_its_key(tmp_path, key, _entries(0, 600))


def _entries(first: int, count: int) -> list[bytes]:
    return [LogEntry("signature", request_id=f"{number:06d}").encode() for number in range(first, first + count)]


def _grow(log: Path, key: tuple[NoteKey, SignMessage], count: int) -> None:
    tree = Tree(log, key[0])
    tree.open()
    tree.integrate(_entries(tree.size, count), key[1])


def _export(log: Path, *more: str | Path) -> int:
    return main(["audit", "export", "--log", str(log), "--key", str(log.parent / "log.pem"), *map(str, more)])


def test_lines_give_the_signed_root_and_go_on_where_they_stopped(
    log: Path, key: tuple[NoteKey, SignMessage], tmp_path: Path
) -> None:
    out, state = tmp_path / "out.jsonl", tmp_path / "state"
    arguments = ("--format", "jsonl", "--out", out, "--state", state)
    assert _export(log, *arguments) == 0
    assert _export(log, *arguments) == 0  # nothing new, nothing written
    _grow(log, key, 70)
    assert _export(log, *arguments) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    entries = [line for line in lines if "entry" in line]
    assert [line["index"] for line in entries] == list(range(670))
    for line in entries:
        assert SM3.leaf(line["entry"].encode()).hex() == line["leaf_hash"]
    frontier = Frontier(SM3)
    frontier.extend([bytes.fromhex(line["leaf_hash"]) for line in entries])
    heads = [verify_checkpoint(line["checkpoint"], "log.example", key[0]) for line in lines if "checkpoint" in line]
    assert [head.size for head in heads] == [600, 670]
    assert heads[-1].root == frontier.root()
    assert lines[600] == {"size": 600, "checkpoint": heads[0].text}


def test_another_log_in_its_place_is_noticed(
    log: Path, key: tuple[NoteKey, SignMessage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert _export(log, "--format", "jsonl", "--state", state) == 0
    for entries, code in ((_entries(0, 599), "log-rolled-back"), ([b"x", *_entries(1, 700)], "log-forked")):
        other = tmp_path / code
        other.mkdir()
        grown(other, key, entries)
        capsys.readouterr()
        assert _export(other, "--format", "jsonl", "--state", state) == 1
        assert code in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match="was of the log"):
        list(Exporter(log, key[0]).parts(Position("other", 3, bytes(32))))
    state.write_text("{}")
    assert _export(log, "--format", "jsonl", "--state", state) == 5


def test_altered_entries_are_not_vouched_for(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    bundle = log / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b"000300", b"000301"))
    with pytest.raises(ProofError):
        list(Exporter(log, key[0]).parts(None))


def test_messages_are_rfc_5424_and_hold_entries_exactly(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    (part,) = Exporter(log, key[0]).parts(None)
    form = SyslogFormat("log.example")
    item = part.entries[7]
    match = _MESSAGE.fullmatch(form.entry(item))
    assert match is not None
    assert (match["text"], match["kind"]) == (item.entry, b"signature")
    assert match["time"].decode() == json.loads(item.entry)["time"]
    assert match["data"] == f'log="log.example" index="7" leaf="{item.leaf_hash.hex()}"'.encode()
    assert part.checkpoint is not None
    head = _MESSAGE.fullmatch(form.checkpoint(part.checkpoint))
    assert head is not None
    note = re.search(rb'note="([^"]+)"', head["data"])
    assert note is not None
    assert verify_checkpoint(base64.b64decode(note[1]).decode(), "log.example", key[0]).size == 600


def test_what_would_break_out_of_a_message_can_not() -> None:
    form = SyslogFormat('a"] b\\', 5)
    message = form.entry(ExportedEntry(0, b'{"time":"x y\\nz","kind":"a b\\u00e9]"}'))
    assert message.startswith(b"<110>1 xyz ")
    assert b' ab] [signer@5 log="a\\"\\] b\\\\" index="0" ' in message
    assert form.entry(ExportedEntry(1, b"\xff no JSON")).startswith(b"<110>1 - ")


def test_a_collector_gets_everything_over_tls_with_certificates_on_both_sides(
    log: Path, key: tuple[NoteKey, SignMessage], tmp_path: Path
) -> None:
    with Collector(tmp_path, wants_certificate=True) as collector:
        certificate, private = collector.client
        arguments = (
            *(
                "--syslog",
                f"tls://127.0.0.1:{collector.port}",
                "--ca",
                collector.authority,
                "--state",
                tmp_path / "state",
            ),
            *("--cert", certificate, "--cert-key", private),
        )
        assert _export(log, *arguments) == 0
        _grow(log, key, 5)
        assert _export(log, *arguments) == 0
    kinds = [match["kind"] for message in collector.messages if (match := _MESSAGE.fullmatch(message))]
    assert kinds == [b"signature"] * 600 + [b"checkpoint"] + [b"signature"] * 5 + [b"checkpoint"]
    assert collector.ended == 2


def test_a_collector_that_hangs_up_gets_the_same_again(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Collector(tmp_path) as collector:
        collector.fail_after = 1000
        arguments = (
            "--syslog",
            f"tls://127.0.0.1:{collector.port}",
            "--ca",
            collector.authority,
            "--state",
            tmp_path / "s",
        )
        assert _export(log, *arguments) == 5
        assert "collector-unavailable" in capsys.readouterr().err
        assert not (tmp_path / "s").exists()
        collector.fail_after = None
        assert _export(log, *arguments) == 0
    assert len(collector.messages) == 601


def test_who_is_not_the_collector_gets_nothing(log: Path, tmp_path: Path) -> None:
    """Another name in the certificate, another authority, no certificate of ours where one is wanted, nobody there."""
    for name in ("named", "strange", "strict"):
        (tmp_path / name).mkdir()
    with Collector(tmp_path / "named", host="127.0.0.2") as collector:
        _refused(collector.port, collector.authority)
        assert not collector.messages
    with Collector(tmp_path / "strange") as collector:
        _refused(collector.port, tmp_path / "named" / "collector-ca.pem")
    with Collector(tmp_path / "strict", wants_certificate=True) as collector:
        _refused(collector.port, collector.authority)
    _refused(collector.port, collector.authority)
    assert not collector.messages


def _refused(port: int, authority: Path) -> None:
    with pytest.raises(ApplianceError) as caught:
        SyslogConnection(CollectorConfig("127.0.0.1", port, authority)).send([b"<110>1 - - - - - - x"])
    assert caught.value.reason is Reason.COLLECTOR_UNAVAILABLE


@pytest.mark.parametrize("url", ["udp://h:1", "tls://", "tls://h:99999", "tls://h:1/x", "h:1"])
def test_what_is_not_tls_to_a_host_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError):
        CollectorConfig.from_url(url, tmp_path, None, None)
    with pytest.raises(ConfigurationError):
        CollectorConfig.from_url("tls://h", tmp_path, tmp_path, None)
    assert CollectorConfig.from_url("tls://h", tmp_path, None, None).port == 6514
