"""Reports over real gRPC: signed by the key in the token, recorded in the log, left out on request; and the two commands for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signer.certificates.store import TrustStore, TrustStoreConfig
from signer.client import Connection, RemoteError
from signer.documents.report_verification import verify_report
from signer.v1 import document_pb2 as wire
from signer.v1 import signing_pb2
from tests.conftest import RunningAppliance
from tests.web.documents import written

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def files(connection: Connection, sample: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind."""
    return written(connection, sample, tmp_path_factory.mktemp("documents"))


@pytest.fixture
def run(appliance: RunningAppliance, tmp_path: Path) -> Run:
    """Runs `signer` in an empty folder."""
    profile = appliance.directory / "clients" / "core" / "profile.toml"

    def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signer.cli", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "SIGNER_PROFILE": str(profile), "PYTHONPATH": str(Path.cwd()), "LANG": "C.UTF-8"},
            check=False,
            capture_output=True,
            text=True,
        )

    return _run


def _verify(connection: Connection, pdf: bytes, **fields: Any) -> wire.VerifyDocumentResponse:
    return connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf, **fields))


@pytest.mark.parametrize("kind", ["genuine", "lapsed", "appended", "changed", "stranger", "unsigned", "no-pdf"])
def test_the_report_says_what_the_answer_says(
    appliance: RunningAppliance, connection: Connection, files: dict[str, Path], kind: str
) -> None:
    pdf = files[kind].read_bytes()
    answer = _verify(connection, pdf)
    trust = TrustStore.from_config(TrustStoreConfig(appliance.directory / "trust"))
    evidence = verify_report(answer.report_cms, trust, pdf)
    report = evidence.report
    assert "验真报告签名" in evidence.signer
    assert report["integrity"] == wire.Integrity.Name(answer.integrity).removeprefix("INTEGRITY_")
    assert report["origin"] == wire.Origin.Name(answer.origin).removeprefix("ORIGIN_")
    state = wire.ContractState.Name(answer.contract_state).removeprefix("CONTRACT_STATE_")
    assert report["contract_state"] == (None if state == "UNSPECIFIED" else state)
    assert [item["code"] for item in report["findings"]] == [item.code for item in answer.findings]
    assert [item["signer"] for item in report["signatures"]] == [item.signer for item in answer.signatures]
    assert report["summary_zh"] == answer.summary_zh
    if answer.HasField("issued"):
        assert report["issued"]["number"] == answer.issued.number
        assert report["issued"]["title_zh"] == answer.issued.title_zh == "机动车商业保险保险单"
    else:
        assert report["issued"] is None


def test_a_caller_may_do_without(connection: Connection, files: dict[str, Path]) -> None:
    answer = _verify(connection, files["genuine"].read_bytes(), omit_report=True)
    assert answer.report_cms == b""
    assert "report-unsigned" not in {item.code for item in answer.findings}


def test_nobody_reaches_the_report_key_by_another_call(appliance: RunningAppliance, connection: Connection) -> None:
    for call, request in (
        (connection.signing.Sign, signing_pb2.SignRequest(key="report-sm2", message=b"m")),
        (connection.signing.SignMessage, signing_pb2.SignMessageRequest(key="report-sm2", content=b"m")),
    ):
        with pytest.raises(RemoteError) as refused:
            connection.call(call, request)
        assert refused.value.reason in {"GRANT_MISSING", "KEY_PURPOSE"}


def test_the_command_tells_several_files_apart(run: Run, files: dict[str, Path]) -> None:
    both = run("verify-document", files["genuine"], files["changed"])
    assert both.returncode == 1
    assert "✓ 真实有效 Genuine and in force" in both.stdout
    assert "✗ 已被改动 Changed after it was signed" in both.stdout
    told = json.loads(run("verify-document", files["genuine"], files["stranger"], "--json").stdout)["files"]
    assert [item["outcome"] for item in told] == ["genuine", "not-ours"]
    assert run("verify-document", files["lapsed"]).returncode == 0  # whole and ours; the state is told
    assert run("verify-document", files["stranger"]).returncode == 1


def test_a_report_goes_to_a_file_and_is_judged_there(
    run: Run, appliance: RunningAppliance, files: dict[str, Path], tmp_path: Path
) -> None:
    assert run("verify-document", files["genuine"], "--report", "report.p7m").returncode == 0
    trust = appliance.directory / "trust"
    judged = run("verify-report", "report.p7m", "--anchors", trust, "--document", files["genuine"])
    assert judged.returncode == 0, judged.stderr
    assert "文件与报告相符" in judged.stdout
    told = json.loads(run("verify-report", "report.p7m", "--anchors", trust, "--json").stdout)
    assert told["report"]["issued"]["number"] == "PDZA202611000000012345"
    assert run("verify-report", "report.p7m", "--anchors", trust, "--document", files["lapsed"]).returncode == 1
    (tmp_path / "none.p7m").write_bytes(b"0")
    assert run("verify-report", "none.p7m", "--anchors", trust).returncode == 5
    assert run("verify-document", files["genuine"], files["lapsed"], "--report", "r").returncode == 5


def test_pictures_frame_the_seals_by_what_was_found(run: Run, files: dict[str, Path], tmp_path: Path) -> None:
    told = run("verify-document", files["genuine"], files["changed"], files["unsigned"], "--picture", "pages")
    assert told.returncode == 1
    pages = {file.stem: file.read_text(encoding="utf-8") for file in (tmp_path / "pages").iterdir()}
    assert set(pages) == {"genuine-1", "changed-1", "unsigned-1"}
    assert "签名 1：通过 passed" in pages["genuine-1"]
    assert "签名 1：不通过 failed" in pages["changed-1"]
    assert "<rect" not in pages["unsigned-1"]
    assert all('href="data:image/png;base64,' in page for page in pages.values())
    assert run("verify-document", files["no-pdf"], "--picture", "pages").returncode == 5
