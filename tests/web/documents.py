"""One document of each kind that the page must tell apart, made by the running appliance and by strangers."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.strangers import stranger_pdf
from signer.client import Connection
from signer.v1 import document_pb2 as wire


def issued(connection: Connection, sample: dict[str, Any], *, begins: int = -1, ends: int = 364) -> bytes:
    """A policy of ours; days from now."""
    data = copy.deepcopy(sample)
    now = datetime.now(UTC).replace(microsecond=0)
    data["period"] = {
        "begins_at": (now + timedelta(days=begins)).isoformat(),
        "ends_at": (now + timedelta(days=ends)).isoformat(),
    }
    request = wire.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=json.dumps(data, ensure_ascii=False)
    )
    return connection.call(connection.documents.IssueDocument, request).pdf


def of_every_kind(connection: Connection, sample: dict[str, Any]) -> dict[str, bytes]:
    """By what the page says."""
    genuine = issued(connection, sample)
    changed = bytearray(genuine)
    changed[len(changed) // 3] ^= 1
    draft = connection.call(
        connection.documents.RenderDocument,
        wire.RenderDocumentRequest(template="policy/commercial", data_json=json.dumps(sample)),
    ).pdf
    return {
        "genuine": genuine,
        "lapsed": issued(connection, sample, begins=-366, ends=-1),
        "future": issued(connection, sample, begins=1, ends=366),
        "changed": bytes(changed),
        "appended": genuine + b"%",
        "stranger": stranger_pdf(draft),
        "unsigned": draft,
        "no-pdf": "这不是 PDF".encode(),
    }


def written(connection: Connection, sample: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The same as files."""
    made = {}
    for name, content in of_every_kind(connection, sample).items():
        made[name] = folder / f"{name}.pdf"
        made[name].write_bytes(content)
    return made
