"""The `signer` command as a person or a script uses it: output, --json, exit statuses, help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunningAppliance


@pytest.fixture
def run(appliance: RunningAppliance, tmp_path: Path) -> object:
    """Runs `signer` in an empty folder with the client's profile."""
    profile = appliance.directory / "clients" / "core" / "profile.toml"

    def _run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "signer.cli", *arguments],
            cwd=tmp_path,
            env={
                "SIGNER_PROFILE": str(profile),
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(Path.cwd()),
                "LANG": "C.UTF-8",
            },
            input=stdin,
            check=False,
            capture_output=True,
        )

    return _run


def test_keys_as_json(run) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    answer = json.loads(run("keys", "list", "--json").stdout)
    uses, families = ("message", "seal", "timestamp"), ("rsa", "sm2")
    assert {key["key"] for key in answer["keys"]} == {f"{use}-{family}@1" for use in uses for family in families}


def test_sign_and_verify_a_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    (tmp_path / "letter").write_bytes(b"hello")
    assert run("sign", "--key", "message-sm2", "letter", "--out", "letter.sig").returncode == 0
    good = run("verify", "--key", "message-sm2", "--algorithm", "SM2_SM3", "letter", "letter.sig")
    assert good.returncode == 0
    assert "验签通过" in good.stdout.decode()
    (tmp_path / "letter").write_bytes(b"hallo")
    wrong = run("verify", "--key", "message-sm2", "--algorithm", "SM2_SM3", "letter", "letter.sig", "--json")
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["verdict"] == "FAILED"


def test_cms_goes_through_pipes(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    signed = run("sign", "--key", "message-rsa", "--cms", "--detached", "-", stdin=b"hello")
    assert signed.stdout[:1] == b"\x30"
    (tmp_path / "p7s").write_bytes(signed.stdout)
    (tmp_path / "letter").write_bytes(b"hello")
    assert run("verify", "--cms", "letter", "p7s").returncode == 0


def test_issue_and_verify_a_document(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    issued = run("issue", "--template", "policy/commercial", "--sample", "--out", "p.pdf", "--json")
    assert issued.returncode == 0
    assert json.loads(issued.stdout)["number"] == "PDZA202611000000012345"
    told = run("verify-document", "p.pdf")
    assert told.returncode == 0
    assert "该电子保单由本公司签发" in told.stdout.decode()
    (tmp_path / "p.pdf").write_bytes((tmp_path / "p.pdf").read_bytes() + b"\n")
    changed = run("verify-document", "p.pdf", "--json")
    assert changed.returncode == 1
    assert json.loads(changed.stdout)["integrity"] == "CHANGED"
    assert run("render", "--template", "policy/commercial", "--sample", "--out", "d.pdf").returncode == 0


def test_refusals_have_reason_and_status(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    (tmp_path / "x").write_bytes(b"x")
    refused = run("sign", "--key", "seal-sm2", "x")
    assert refused.returncode == 3
    assert "KEY_PURPOSE" in refused.stderr.decode()
    (tmp_path / "bad.json").write_text('{"a": 1}')
    faults = run("issue", "--template", "policy/commercial", "bad.json", "--out", "p.pdf", "--json")
    assert faults.returncode == 3
    assert json.loads(faults.stdout)["error"]["violations"]
    assert not (tmp_path / "p.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["keys", "list", "--address", "127.0.0.1:1"], 4, "can't be reached"),
        (["keys", "list", "--profile", "nowhere.toml"], 5, "no such profile"),
        (["verify-document", "nowhere.pdf"], 5, "can't be read"),
        (["frobnicate"], 2, "invalid choice"),
        (["serve", "--config", "nowhere.toml"], 5, "no such file"),
    ],
)
def test_exit_statuses(run, arguments: list[str], status: int, told: str) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    result = run(*arguments)
    assert (result.returncode, told in result.stderr.decode()) == (status, True), result.stderr


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "serve",
        "keys list",
        "sign",
        "verify",
        "render",
        "issue",
        "verify-document",
        "database upgrade",
        "templates preview",
    ],
)
def test_help_has_examples_and_exit_statuses(run, command: str) -> None:  # type: ignore[no-untyped-def]  # the fixture's callable
    text = run(*command.split(), "--help").stdout.decode()
    assert "examples:" in text
    assert f"signer {command.split(maxsplit=1)[0]}" in text
    assert "exit status:" in text
    assert "--json" in text
