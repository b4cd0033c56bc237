"""The units as systemd itself judges them, offline: no fault in them, and no more exposed than docs/hardening.md says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_UNITS = _ROOT / "deploy" / "systemd"
_DOCUMENT = (_ROOT / "docs" / "hardening.md").read_text(encoding="utf-8")


def _unit(folder: Path, drop_in: str | None) -> Path:
    """A copy whose programs exist, so that systemd doesn't stumble over the machine it is judged on."""
    unit = folder / "signer.service"
    text = (_UNITS / "signer.service").read_text(encoding="utf-8")
    unit.write_text(
        text.replace("/opt/signer/bin/signer", "/bin/true").replace("/bin/kill", "/bin/true"), encoding="utf-8"
    )
    if drop_in is not None:
        beside = folder / "signer.service.d"
        beside.mkdir()
        (beside / drop_in).write_bytes((_UNITS / drop_in).read_bytes())
    return unit


def _judge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _exposure(unit: Path) -> float:
    judged = _judge("security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for signer\.service: (\d+\.\d+)", judged.stdout)
    assert found is not None, judged.stdout + judged.stderr
    return float(found[1])


@pytest.mark.parametrize(
    ("drop_in", "row"), [(None, "`signer.service`"), ("single-user.conf", "with `single-user.conf`")]
)
def test_the_figures_in_the_document_are_systemds(tmp_path: Path, drop_in: str | None, row: str) -> None:
    exposure = _exposure(_unit(tmp_path, drop_in))
    assert f"| {row} | {exposure} |" in _DOCUMENT
    assert exposure < 2.0


def test_a_bare_unit_is_much_more_exposed(tmp_path: Path) -> None:
    """Else the figures would show nothing."""
    unit = tmp_path / "signer.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    assert _exposure(unit) > 9


@pytest.mark.parametrize("drop_in", [None, "single-user.conf"])
def test_systemd_understands_every_line(tmp_path: Path, drop_in: str | None) -> None:
    unit = _unit(tmp_path, drop_in)
    judged = _judge("verify", "--man=no", "--recursive-errors=no", unit)
    told = [line for line in judged.stderr.splitlines() if "signer.service" in line]
    assert told == []


def test_every_user_of_the_example_configuration_is_made() -> None:
    made = re.findall(r"^u (\S+)", (_UNITS / "signer.sysusers").read_text(encoding="utf-8"), re.MULTILINE)
    example = (_ROOT / "deploy" / "signer.example.toml").read_text(encoding="utf-8")
    assert set(re.findall(r'^\w+_user = "(\S+)"', example, re.MULTILINE)) == set(made) - {"signer"}
