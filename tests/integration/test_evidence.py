"""Packs of a running appliance: sealed and verifiable, honest about what it is, compared over a change, tampering noticed.

Threat: T30.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policy_render.data_formats import FORMATS
from signer.app.remote_appliance import GrpcAppliance
from signer.cli.__main__ import main
from signer.client import Connection
from signer.evidence.attachment import attached_data
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance

_GRANT = """
[[grants]]
client = "auditor"
rpcs = ["AuditService/GetCheckpoint"]
"""


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    complaint: str


Run = Callable[..., Ended]


@pytest.fixture
def run(appliance: RunningAppliance, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `signer evidence …` in this process, with the client's profile."""

    def _run(*arguments: str | Path) -> Ended:
        status = main(["evidence", *map(str, arguments), "--profile", str(_profile(appliance))])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return _run


def _profile(appliance: RunningAppliance) -> Path:
    return appliance.directory / "clients" / "core" / "profile.toml"


def _create(appliance: RunningAppliance, out: Path, *arguments: str | Path) -> Path:
    """In a process of its own: it loads the PKCS#11 module, of which a process has one."""
    command = [sys.executable, "-m", "signer.cli", "evidence", "create", "--profile", str(_profile(appliance))]
    config = appliance.directory / "signer.toml"
    made = subprocess.run(
        [*command, "--config", config, "--out", out, *arguments], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return out


def _pack(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    return values


def _outcomes(pack: dict[str, Any]) -> dict[str, str]:
    return {probe["name"]: probe["outcome"] for probe in pack["probes"]}


@pytest.fixture(scope="module")
def first(appliance: RunningAppliance, connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of the running appliance."""
    connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
    folder = tmp_path_factory.mktemp("packs")
    results = folder / "junit.xml"
    results.write_text('<testsuites><testsuite><testcase name="a"/></testsuite></testsuites>')
    return _create(appliance, folder / "first", "--test-results", results)


@pytest.fixture(scope="module")
def second(appliance: RunningAppliance, first: Path) -> Path:
    """Another, after a change of the grants file that nobody reloaded."""
    grants = appliance.directory / "grants.toml"
    before = grants.read_text(encoding="utf-8")
    grants.write_text(before.replace("version = 1", "version = 2") + _GRANT, encoding="utf-8")
    try:
        return _create(appliance, first.parent / "second", "--previous", first)
    finally:
        grants.write_text(before, encoding="utf-8")


def test_the_pdf_is_ours_whole_and_speaks_for_no_contract(appliance: RunningAppliance, first: Path) -> None:
    with GrpcAppliance(appliance.profile) as remote:
        verdict = remote.verify_document((first / "evidence.pdf").read_bytes())
    assert (verdict.integrity, verdict.origin, verdict.same_bytes) == ("WHOLE", "ISSUED_HERE", True)
    assert (verdict.contract_state, verdict.template) == ("UNSPECIFIED", "evidence/pack@1")
    assert verdict.number == _pack(first)["pack"]["number"]


def test_the_attached_data_is_the_pack(first: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["pdfdetach", "-save", "1", "-o", tmp_path / "attached", first / "evidence.pdf"],
        check=True,
        capture_output=True,
    )
    content = (first / "evidence.json").read_bytes()
    assert (tmp_path / "attached").read_bytes() == content
    assert attached_data((first / "evidence.pdf").read_bytes()) == content


def test_live_probes_show_what_is_so(first: Path) -> None:
    outcomes = _outcomes(_pack(first))
    for name in (
        *("listeners", "client-certificate", "public-listener", "serving", "grants", "keys", "own-signature"),
        *("altered-refused", "key-purpose", "log-checkpoint", "log-fsck", "log-receipts", "log-unsigned"),
        *("database", "archive", "processes-running", "process-isolation", "software", "configuration", "metrics"),
        "test-results",
    ):
        assert outcomes[name] == "shown", name
    # what a demo appliance is not, its pack says
    for name in ("hsm-token", "log-token", "grants-approval", "drills"):
        assert outcomes[name] == "contrary", name
    assert outcomes["log-consistency"] == "unknown"


def test_nothing_is_met_whose_probes_fail(first: Path) -> None:
    items = [
        item for standard in _pack(first)["standards"] for domain in standard["domains"] for item in domain["items"]
    ]
    assert len(items) > 130
    met = [item for item in items if item["status"] == "met"]
    assert met
    assert all(probe["outcome"] == "shown" for item in met for probe in item["probes"])
    lowered = [item for item in items if item["status"] != item["claimed"]]
    assert lowered
    assert all(item["lowered_zh"] for item in lowered)


def _identity_numbers(text: str) -> list[str]:
    """Residents' identity numbers standing alone: a pack's own number and times are long runs of digits, too."""
    candidates = re.findall(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])", text)
    return [candidate for candidate in candidates if not FORMATS.conforms(candidate, "masked")]


def test_an_identity_number_would_be_found() -> None:
    assert _identity_numbers('{"a":"11010519491231002X","number":"EVP202611260334428600AB"}') == ["11010519491231002X"]


def test_packs_hold_nothing_personal_and_nothing_secret(appliance: RunningAppliance, first: Path) -> None:
    text = (first / "evidence.json").read_text(encoding="utf-8")
    for name in ("pin", "log-pin", "so-pin"):
        assert (appliance.directory / "secrets" / name).read_text().strip() not in text
    assert (appliance.directory / "state" / "keyed-digest.key").read_text() not in text
    assert not _identity_numbers(text)
    assert str(appliance.directory) not in text


def test_every_page_is_numbered_and_the_pdf_is_sound(first: Path) -> None:
    pdf = first / "evidence.pdf"
    subprocess.run(["qpdf", "--check", pdf], check=True, capture_output=True)
    pages = subprocess.run(["pdftotext", pdf, "-"], check=True, capture_output=True, text=True).stdout.split("\f")[:-1]
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        assert f"第 {number} 页 共 {len(pages)} 页" in page
    assert "<pdfaid:part>3</pdfaid:part>" in pdf.read_bytes().decode("latin-1")


def test_a_comparison_tells_what_a_change_changed(run: Run, first: Path, second: Path) -> None:
    told = run("compare", first, second, "--json")
    assert told.status == 0, told.complaint
    found = json.loads(told.out)
    assert (found["old"]["seal"], found["new"]["seal"]) == ("verified", "verified")
    assert found["log"]["growth"] == "proven"
    changed = {(change["kind"], change["where"]) for change in found["facts"]}
    assert changed >= {
        ("grant", "grants/version"),
        ("grant", "grants/client.auditor"),
        ("setting", "configuration/file.grants.toml"),
    }
    assert ("configuration", "contrary") in [(change["where"], change["after"]) for change in found["outcomes"]]
    statuses = {change["where"]: (change["before"], change["after"]) for change in found["statuses"]}
    assert statuses["GB/T 22239-2019 8.1.10.8"] == ("met", "not-met")
    lines = run("compare", first, second, "--offline").out
    for line in ("已证明只增未改", "客户端 auditor", "签章未核实"):
        assert line in lines
    assert run("compare", second, first, "--offline").status == 1  # the log can't have shrunk


def test_a_tampered_pack_is_noticed(appliance: RunningAppliance, run: Run, first: Path, tmp_path: Path) -> None:
    text = (first / "evidence.json").read_text(encoding="utf-8")
    (tmp_path / "evidence.json").write_text(text.replace('"not-met"', '"met"'), encoding="utf-8")
    (tmp_path / "evidence.pdf").write_bytes((first / "evidence.pdf").read_bytes())
    shown = run("show", tmp_path)
    assert (shown.status, "证据包被改动" in shown.out) == (1, True)
    pdf = bytearray((first / "evidence.pdf").read_bytes())
    pdf[len(pdf) // 3] ^= 1
    (tmp_path / "evidence.pdf").write_bytes(pdf)
    (tmp_path / "evidence.json").write_text(text, encoding="utf-8")
    assert run("show", tmp_path).status == 1
    config = appliance.directory / "signer.toml"
    refused = run("create", "--config", config, "--out", tmp_path / "new", "--previous", tmp_path)
    assert (refused.status, "seal is not verified" in refused.complaint) == (5, True)
    assert not (tmp_path / "new").exists()


def test_a_whole_pack_is_shown_and_never_overwritten(appliance: RunningAppliance, run: Run, first: Path) -> None:
    shown = run("show", first / "evidence.pdf")
    assert (shown.status, "由本系统签发" in shown.out) == (0, True)
    again = run("create", "--config", appliance.directory / "signer.toml", "--out", first)
    assert (again.status, "is there already" in again.complaint) == (5, True)
