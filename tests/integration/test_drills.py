"""Drills on a running copy and on the live appliance: what should pass passes, a system that misbehaves fails, records are sealed.

Threat: T31.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signer.app.drill_copy import DrillCopy, running_copy
from signer.app.drill_sites import CopySite
from signer.app.remote_appliance import GrpcAppliance
from signer.cli.__main__ import main
from signer.client import Connection, load_profile
from signer.config import load_config
from signer.evidence.drills.plan import find_plan
from signer.evidence.drills.record import read_record
from signer.evidence.drills.rehearsal import rehearse
from signer.evidence.drills.scenarios import Scenarios
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance

_OPERATOR = "示例操作员"


@pytest.fixture(scope="module")
def copy(appliance: RunningAppliance) -> Iterator[DrillCopy]:
    """A copy of the session's appliance. The drill that can't be taken back comes last in this file."""
    with running_copy(load_config(appliance.directory / "signer.toml")) as running:
        yield running


@pytest.fixture(scope="module")
def remote(copy: DrillCopy) -> Iterator[GrpcAppliance]:
    with GrpcAppliance(load_profile(copy.profile)) as opened:
        yield opened


def _rehearse(name: str, site: CopySite) -> dict[str, Any]:
    return rehearse(find_plan(name), site, _OPERATOR, Scenarios(site).actions(name))


def _results(record: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {step["name"]: (step["result"], step["observation"]) for step in record["steps"]}


def test_a_copy_is_a_second_appliance_with_a_log_of_its_own(appliance: RunningAppliance, copy: DrillCopy) -> None:
    live = load_config(appliance.directory / "signer.toml")
    assert not copy.is_fresh
    assert copy.config.log.log_id.startswith("drill-")
    assert copy.config.log.log_id != live.log.log_id
    assert copy.config.listener.port != live.listener.port
    assert copy.config.seal.company == live.seal.company
    key = Path("log.pem")
    assert (copy.directory / key).read_bytes() == (appliance.directory / key).read_bytes()


@pytest.mark.parametrize("name", ["hsm-lost", "log-disk-full"])
def test_a_drill_on_a_copy_passes(copy: DrillCopy, remote: GrpcAppliance, name: str) -> None:
    record = _rehearse(name, CopySite(copy, remote, "live-log"))
    assert record["conclusion"]["passed"], _results(record)
    assert (record["record"]["site"], record["record"]["appliance"]) == ("copy", "live-log")


class SiteWhoseTokenStays(CopySite):
    """A `CopySite` that misbehaves: its token does not go away, as if a second HSM had taken over unasked."""

    patience = 1.0

    def take_token_away(self) -> str:
        return "没有移走"


class SiteWhoseDiskNeverFills(CopySite):
    """A `CopySite` that misbehaves: its log never runs out of space, so nothing stops."""

    def fill_log_disk(self) -> str:
        raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize(
    ("name", "kind", "failed"),
    [("hsm-lost", SiteWhoseTokenStays, "signing-refused"), ("log-disk-full", SiteWhoseDiskNeverFills, "fill-log-disk")],
)
def test_a_system_that_misbehaves_fails_the_drill(
    copy: DrillCopy, remote: GrpcAppliance, name: str, kind: type[CopySite], failed: str
) -> None:
    record = _rehearse(name, kind(copy, remote, "live-log"))
    assert not record["conclusion"]["passed"]
    results = _results(record)
    assert [step for step, (result, _) in results.items() if result == "failed"] == [failed]
    assert results["signs-again"][0] == "ok"


def _run(appliance: RunningAppliance, *arguments: str) -> int:
    """The exit status of `signer drill run`, in this process."""
    profile, config = appliance.directory / "clients" / "core" / "profile.toml", appliance.directory / "signer.toml"
    given = ["--config", str(config), "--profile", str(profile), "--operator", _OPERATOR]
    return main(["drill", "run", *arguments, *given])


def test_a_live_drill_is_confirmed_sealed_and_leaves_the_appliance_working(
    appliance: RunningAppliance, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    status = _run(appliance, "log-disk-full", "--live", "--confirm", "log-disk-full", "--json")
    told = json.loads(capsys.readouterr().out)
    assert status == 0, told
    record = read_record(Path(told["record"]))
    assert (record["record"]["site"], record["record"]["operator"]) == ("live", _OPERATOR)
    with GrpcAppliance(appliance.profile) as remote:
        verdict = remote.verify_document(Path(told["document"]["pdf"]).read_bytes())
    assert (verdict.integrity, verdict.origin, verdict.contract_state) == ("WHOLE", "ISSUED_HERE", "UNSPECIFIED")
    assert (verdict.number, verdict.template) == (record["record"]["number"], "drill/record@1")
    connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
    assert main(["drill", "list", "--config", str(appliance.directory / "signer.toml"), "--json"]) == 0
    due = {row["name"]: row["due"] for row in json.loads(capsys.readouterr().out)["drills"]}
    assert due == {"hsm-lost": True, "key-compromised": True, "log-disk-full": False}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["hsm-lost", "--live"], "--confirm hsm-lost"),
        (["hsm-lost", "--live", "--confirm", "log-disk-full"], "--confirm hsm-lost"),
        (["hsm-lost", "--confirm", "hsm-lost"], "belongs to --live"),
        (["key-compromised", "--live", "--confirm", "key-compromised"], "on a copy only"),
        (["flood"], "no drill 'flood'"),
    ],
)
def test_what_is_not_confirmed_does_nothing(
    appliance: RunningAppliance, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(appliance, *arguments) == 5
    assert told in capsys.readouterr().err


def test_a_compromised_key_is_done_with(copy: DrillCopy, remote: GrpcAppliance) -> None:
    """Last: the copy's key stays compromised."""
    record = _rehearse("key-compromised", CopySite(copy, remote, "live-log"))
    assert record["conclusion"]["passed"], _results(record)
