"""The words for people are never better than the answer: only what is whole, ours and in force is called genuine."""

from __future__ import annotations

import itertools

import pytest

from signer.client.conclusion import DOUBTS, CheckResult, Outcome, algorithm_words, conclude
from signer.pades.inspection import DOUBTS as VERIFIERS_DOUBTS
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2

_EVERY = list(
    itertools.product(wire.Integrity.values(), wire.Origin.values(), wire.ContractState.values(), (None, False, True))
)


def _report(integrity: int, origin: int, state: int, same_bytes: bool | None) -> wire.VerifyDocumentResponse:
    report = wire.VerifyDocumentResponse(
        integrity=wire.Integrity.ValueType(integrity),
        origin=wire.Origin.ValueType(origin),
        contract_state=wire.ContractState.ValueType(state),
    )
    if same_bytes is not None:
        report.issued.same_bytes = same_bytes
    return report


@pytest.mark.parametrize(("integrity", "origin", "state", "same_bytes"), _EVERY)
def test_only_what_is_good_is_called_good(integrity: int, origin: int, state: int, same_bytes: bool | None) -> None:
    conclusion = conclude(_report(integrity, origin, state, same_bytes))
    whole_and_ours = (integrity, origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    in_force = state in {wire.CONTRACT_STATE_IN_FORCE, wire.CONTRACT_STATE_UNSPECIFIED}
    assert (conclusion.outcome is Outcome.GENUINE) == (whole_and_ours and in_force)
    assert (conclusion.outcome is Outcome.NOT_IN_FORCE) == (whole_and_ours and not in_force)
    assert conclusion.headline.zh.startswith("真实") == whole_and_ours
    results = {check.name.en: check.result for check in conclusion.checks}
    assert (results["Unchanged since signing"] is CheckResult.PASSED) == (integrity == wire.INTEGRITY_WHOLE)
    assert (results["Issue register"] is CheckResult.PASSED) == (same_bytes is True)
    for text in (
        conclusion.headline,
        conclusion.sentence,
        conclusion.advice,
        *(item.told for item in conclusion.checks),
    ):
        assert text.zh
        assert text.en.isascii()


def test_a_state_that_a_newer_appliance_knows_is_not_good() -> None:
    report = wire.VerifyDocumentResponse()
    report.ParseFromString(bytes.fromhex("080110011863"))  # whole, ours, state 99
    assert report.contract_state == 99
    assert conclude(report).outcome is Outcome.NOT_IN_FORCE


def test_every_algorithm_has_words() -> None:
    for number in types_pb2.SignatureAlgorithm.values():
        assert (algorithm_words(number) == "—") == (number == types_pb2.SIGNATURE_ALGORITHM_UNSPECIFIED)
    assert algorithm_words(99) == "—"


@pytest.mark.parametrize("code", sorted(DOUBTS))
@pytest.mark.parametrize("of_file", [False, True])
def test_what_can_be_read_but_not_told_is_called_so(code: str, of_file: bool) -> None:
    report = wire.VerifyDocumentResponse(integrity=wire.INTEGRITY_UNREADABLE, origin=wire.ORIGIN_UNKNOWN)
    (report if of_file else report.signatures.add()).findings.add(code=code)
    conclusion = conclude(report)
    assert conclusion.outcome is Outcome.UNREADABLE
    assert conclusion.headline.zh == "无法判断"
    results = {check.name.en: check.result for check in conclusion.checks}
    assert results["Readable PDF"] is CheckResult.PASSED
    assert results["Unchanged since signing"] is CheckResult.NOTED
    assert results["Signer"] is CheckResult.SKIPPED
    told = next(check.told for check in conclusion.checks if check.name.en == "Unchanged since signing")
    assert told.zh == "无法判断"


def test_page_and_verifier_agree_on_what_is_doubtful() -> None:
    assert frozenset(DOUBTS) == VERIFIERS_DOUBTS
