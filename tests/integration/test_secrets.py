"""PINs, private keys and personal data never reach logs, metrics, errors or the tamper-evident log.

Threat: T9.
"""

from __future__ import annotations

import copy
import json
import urllib.request
import uuid
from typing import Any

import pytest

from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance

_PERSONAL = {
    "name": "欧阳示例人",
    "id_number": "330106********998X",
    "phone": "13812345678",
    "address": "某某市秘密路 7 号",
}


@pytest.fixture(scope="module")
def told(appliance: RunningAppliance, connection: Connection, sample: dict[str, Any]) -> str:
    """Everything that the appliance told anyone but the caller after it handled personal data, well and badly."""
    data = copy.deepcopy(sample)
    data["policyholder"] = {"id_type": "居民身份证", **_PERSONAL}
    text = json.dumps(data, ensure_ascii=False)
    request = doc.IssueDocumentRequest(issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=text)
    issued = connection.call(connection.documents.IssueDocument, request)
    connection.call(connection.documents.VerifyDocument, doc.VerifyDocumentRequest(pdf=issued.pdf))
    connection.call(connection.documents.VerifyDocument, doc.VerifyDocumentRequest(pdf=issued.pdf[:-50]))
    connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=text.encode()))
    errors = []
    for spoilt in (text.replace('"plate"', '"plaet"'), text[:-3], text.replace("欧阳", "欧\U000e0041")):
        bad = doc.IssueDocumentRequest(issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=spoilt)
        with pytest.raises(RemoteError) as caught:
            connection.call(connection.documents.IssueDocument, bad)
        errors.append(str(caught.value) + repr(caught.value.violations))
    with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics") as answer:
        metrics = answer.read().decode()
    logs = (appliance.directory / "serve.log").read_text()
    entries = (appliance.directory / "state" / "log" / "log").read_bytes().decode("utf-8", "replace")
    assert "欧阳" in text
    return "\n".join([*errors, metrics, logs, entries])


@pytest.mark.parametrize("kind", sorted(_PERSONAL))
def test_personal_data_stays_with_the_caller(told: str, kind: str) -> None:
    assert _PERSONAL[kind] not in told


@pytest.mark.parametrize("name", ["pin", "so-pin"])
def test_pins_are_told_to_nobody(appliance: RunningAppliance, told: str, name: str) -> None:
    assert (appliance.directory / "secrets" / name).read_text() not in told


def test_the_log_is_structured_and_has_request_ids(appliance: RunningAppliance, told: str) -> None:
    lines = [json.loads(line) for line in (appliance.directory / "serve.log").read_text().splitlines()]
    assert all({"time", "level", "message"} <= set(line) for line in lines if "process" in line)
    assert any(line.get("reason") == "data-invalid" and line.get("request_id") for line in lines)


def test_secret_files_are_ours_alone(appliance: RunningAppliance) -> None:
    for name in ("secrets/pin", "secrets/so-pin", "tls/server.key", "state/keyed-digest.key", "clients/core/key.pem"):
        assert (appliance.directory / name).stat().st_mode & 0o077 == 0, name
