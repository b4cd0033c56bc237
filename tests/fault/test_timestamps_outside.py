"""Seals stamped by an outside authority: it works, refuses, is slow, answers nonsense or another request; nothing half-sealed is kept."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signer.client import Connection, RemoteError, RetryPolicy, load_profile
from signer.v1 import document_pb2 as wire
from tests.conftest import free_port_base
from tests.made_appliances import running
from tests.timestamp_authority import OpensslAuthority

_numbers = itertools.count()


@dataclass(frozen=True)
class Stamped:
    """An appliance whose seals an outside authority stamps."""

    directory: Path
    connection: Connection
    authority: OpensslAuthority
    sample: dict[str, Any]

    def issue(self, profile: wire.Seal.Profile.ValueType) -> wire.IssueDocumentResponse:
        number = next(_numbers)
        data = {**self.sample, "policy": {**self.sample["policy"], "number": f"PDZA2026OUTSIDE{number:06d}"}}
        request = wire.IssueDocumentRequest(
            issue_id=f"outside-{number}",
            template="policy/commercial",
            data_json=json.dumps(data),
            seals=[wire.Seal(key="seal-rsa", profile=profile)],
        )
        return self.connection.call(self.connection.documents.IssueDocument, request)

    def archived(self) -> int:
        return sum(1 for file in (self.directory / "state" / "archive").rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stamped]:
    """Its files are changed before it starts: [timestamps] names the authority."""
    folder, port = tmp_path_factory.mktemp("outside"), free_port_base()
    directory = folder / "appliance"
    (folder / "tsa").mkdir()
    with OpensslAuthority(folder / "tsa") as authority:

        def name_authority() -> None:
            file = directory / "signer.toml"
            outside = f'[timestamps]\nurl = "{authority.url}"\nanchors = "{authority.anchor}"\nseconds = 2\n'
            file.write_text(file.read_text(encoding="utf-8").replace("[timestamps]\n", outside), encoding="utf-8")

        with running(directory, port, change=name_authority):
            profile = load_profile(directory / "clients" / "core" / "profile.toml")
            with Connection(profile, timeout=30, retry=RetryPolicy(attempts=1)) as connection:
                request = wire.GetTemplateRequest(template="policy/commercial")
                template = connection.call(connection.documents.GetTemplate, request)
                yield Stamped(directory, connection, authority, json.loads(template.sample_json))


def test_its_timestamp_counts(stamped: Stamped) -> None:
    pdf = stamped.issue(wire.Seal.PROFILE_PADES_T).pdf
    report = stamped.connection.call(
        stamped.connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf, omit_report=True)
    )
    assert report.integrity == wire.INTEGRITY_WHOLE
    (seal,) = report.signatures
    assert seal.HasField("proven_at")
    assert seal.profile == wire.Seal.PROFILE_PADES_T


@pytest.mark.parametrize("fault", ["refuses", "nonsense", "another's answer", "slow"])
def test_what_is_wrong_with_it_stops_the_document(fault: str, stamped: Stamped) -> None:
    authority = stamped.authority
    before = stamped.archived()
    try:
        if fault == "refuses":
            authority.status = 500
        elif fault == "nonsense":
            authority.answer = b"0\x03\x02\x01\x00"
        elif fault == "another's answer":
            from signer.cms.timestamp_token import timestamp_request

            authority.answer = authority.reply(timestamp_request(b"something else", 7))
        else:
            authority.slow_seconds = 0.5
        with pytest.raises(RemoteError) as caught:
            stamped.issue(wire.Seal.PROFILE_PADES_T)
    finally:
        authority.status, authority.answer, authority.slow_seconds = 200, None, 0.0
    assert (caught.value.status, caught.value.reason) == ("UNAVAILABLE", "TIMESTAMP_UNAVAILABLE")
    assert stamped.archived() == before
    assert stamped.issue(wire.Seal.PROFILE_PADES_B).pdf  # who asks for no timestamp is not stopped
    assert stamped.issue(wire.Seal.PROFILE_PADES_T).pdf  # and it goes on by itself
