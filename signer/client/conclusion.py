"""What an answer of VerifyDocument means for people, in Chinese and English: at a glance, then check by check.

For pages and command lines. Not for programs, which read integrity, origin and contract state themselves, and not for judging:
nothing here is stricter or kinder than the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from signer.client.conclusion_words import (
    ADVICE,
    ALGORITHMS,
    DOUBTFUL,
    HEADLINES,
    IN_FORCE_OF_NOTHING,
    SENTENCES,
    STATES,
    UNKNOWN_STATE,
    Text,
)
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2

# What was found where it can't be told what a signed file shows.
DOUBTS = frozenset({"drawn-over", "filled-over", "commented-over", "readers-differ"})


class Outcome(StrEnum):
    """At a glance."""

    GENUINE = "genuine"
    NOT_IN_FORCE = "not-in-force"
    CHANGED = "changed"
    NOT_OURS = "not-ours"
    UNREADABLE = "unreadable"


class CheckResult(StrEnum):
    """`NOTED`: neither good nor bad by itself. `SKIPPED`: what came before left nothing to check."""

    PASSED = "passed"
    FAILED = "failed"
    NOTED = "noted"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One thing that was checked, and what was seen."""

    name: Text
    result: CheckResult
    told: Text


@dataclass(frozen=True)
class Conclusion:
    """`headline`: a few words. `sentence`: one sentence. `advice`: what to do."""

    outcome: Outcome
    headline: Text
    sentence: Text
    advice: Text
    checks: tuple[Check, ...]


def conclude(report: wire.VerifyDocumentResponse) -> Conclusion:
    """The answer in words."""
    outcome = outcome_of(report)
    state = STATES.get(report.contract_state, UNKNOWN_STATE)
    sentence = SENTENCES[outcome]
    if outcome is Outcome.NOT_IN_FORCE:
        headline = state.headline
        sentence = Text(sentence.zh, f"{sentence.en} {state.told.en}")
    else:
        headline = HEADLINES[outcome]
    if outcome is Outcome.GENUINE and not report.contract_state:
        headline, sentence = IN_FORCE_OF_NOTHING
    if outcome is Outcome.NOT_OURS and report.integrity == wire.INTEGRITY_UNSIGNED:
        sentence = Text(sentence.zh, "The file carries no electronic signature.")
    advice = ADVICE[outcome]
    if _is_doubtful(report):
        headline, sentence, advice = DOUBTFUL
    return Conclusion(
        outcome, headline, Text(report.summary_zh or sentence.zh, sentence.en), advice, tuple(_checks(report))
    )


def _is_doubtful(report: wire.VerifyDocumentResponse) -> bool:
    """Signed and read, but whether it shows what was signed can't be told."""
    found = [*report.findings, *(item for signature in report.signatures for item in signature.findings)]
    return report.integrity == wire.INTEGRITY_UNREADABLE and any(item.code in DOUBTS for item in found)


def outcome_of(report: wire.VerifyDocumentResponse) -> Outcome:
    """Three answers as one word; what is not known to be good is never GENUINE."""
    if report.integrity == wire.INTEGRITY_CHANGED:
        return Outcome.CHANGED
    if report.integrity == wire.INTEGRITY_UNSIGNED:
        return Outcome.NOT_OURS
    if report.integrity != wire.INTEGRITY_WHOLE:
        return Outcome.UNREADABLE
    if report.origin != wire.ORIGIN_ISSUED_HERE:
        return Outcome.NOT_OURS
    if report.contract_state in {wire.CONTRACT_STATE_UNSPECIFIED, wire.CONTRACT_STATE_IN_FORCE}:
        return Outcome.GENUINE
    return Outcome.NOT_IN_FORCE


def algorithm_words(algorithm: int) -> str:
    """A signature algorithm as people write it."""
    return ALGORITHMS.get(types_pb2.SignatureAlgorithm.ValueType(algorithm), "—")


def _checks(report: wire.VerifyDocumentResponse) -> Iterable[Check]:
    doubtful = _is_doubtful(report)
    readable = doubtful or report.integrity not in {wire.INTEGRITY_UNREADABLE, wire.INTEGRITY_UNSPECIFIED}
    signed = readable and report.integrity != wire.INTEGRITY_UNSIGNED
    yield _check(
        Text("文件可读", "Readable PDF"),
        readable,
        Text("可以读取", "It can be read"),
        Text("无法读取", "It can't be read"),
    )
    count = len(report.signatures) or int(doubtful)
    yield _check(
        Text("电子签名", "Electronic signature"),
        signed if readable else None,
        Text(f"{count} 个签名", f"{count} signature{'s' * (count != 1)}"),
        Text("没有签名", "None"),
    )
    unchanged = Text("内容完整", "Unchanged since signing")
    if doubtful:
        yield Check(unchanged, CheckResult.NOTED, Text("无法判断", "Can't be told"))
    else:
        yield _check(
            unchanged,
            report.integrity == wire.INTEGRITY_WHOLE if signed else None,
            Text("签名后未被改动", "Not changed"),
            Text("签名后被改动", "Changed, or made to look as if it were signed"),
        )
    trusted = report.origin in {wire.ORIGIN_ISSUED_HERE, wire.ORIGIN_TRUSTED}
    yield _check(
        Text("签名人身份", "Signer"),
        trusted if signed and not doubtful else None,
        Text("可以确认", "Known"),
        Text("无法确认", "Nobody whom we can vouch for"),
    )
    yield _register_check(report, readable)
    yield _contract_check(report)


def _register_check(report: wire.VerifyDocumentResponse, readable: bool) -> Check:
    name = Text("签发登记", "Issue register")
    if not report.HasField("issued"):
        return _check(name, False if readable else None, Text("", ""), Text("没有该文件", "This file is not in it"))
    return _check(
        name,
        report.issued.same_bytes,
        Text("与签发的文件逐字节一致", "The file as it was issued, byte for byte"),
        Text("签发过，但不是这些内容", "Issued, but not with these bytes"),
    )


def _contract_check(report: wire.VerifyDocumentResponse) -> Check:
    name = Text("合同状态", "Contract")
    words = STATES.get(report.contract_state)
    if words is None:
        return Check(name, CheckResult.SKIPPED, Text("不适用", "Not applicable"))
    in_force = report.contract_state == wire.CONTRACT_STATE_IN_FORCE
    return Check(name, CheckResult.PASSED if in_force else CheckResult.NOTED, words.told)


def _check(name: Text, good: bool | None, passed: Text, failed: Text) -> Check:
    if good is None:
        return Check(name, CheckResult.SKIPPED, Text("未检查", "Not checked"))
    return Check(name, CheckResult.PASSED if good else CheckResult.FAILED, passed if good else failed)
