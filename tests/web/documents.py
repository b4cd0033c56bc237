"""One document of each kind that the page must tell apart, made by the running appliance and by strangers."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyhanko.sign.fields import MDPPerm

from demo.strangers import stranger_pdf
from signer.client import Connection
from signer.v1 import document_pb2 as wire
from tests.fuzz.attacks.alterations import with_annotation
from tests.fuzz.attacks.revisions import append
from tests.fuzz.attacks.structure import Structure
from tests.fuzz.sealed_documents import RSA, new_pki
from tests.fuzz.strangers import SigningOptions, signed_by


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
        "doubtful": _painted_over(draft),
        "unsigned": draft,
        "no-pdf": "这不是 PDF".encode(),
    }


def _painted_over(draft: bytes) -> bytes:
    """A stranger's file whose certification allows comments, with one that covers the page."""
    options = SigningOptions(certify=True, permissions=MDPPerm.ANNOTATE)
    structure = Structure(signed_by(draft, new_pki(RSA, "Stranger"), options))
    page, new = structure.pages[0], structure.size
    comment = b"<</Type/Annot/Subtype/Square/F 4/Rect[40 40 560 800]/IC[1 1 1]/C[1 1 1]>>"
    return append(structure, {page: with_annotation(structure, page, new), new: comment})


def written(connection: Connection, sample: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The same as files."""
    made = {}
    for name, content in of_every_kind(connection, sample).items():
        made[name] = folder / f"{name}.pdf"
        made[name].write_bytes(content)
    return made
