"""The one Chinese sentence that tells a policyholder what an upload is. Words only; the verdicts come from `verify`."""

from __future__ import annotations

from dataclasses import dataclass

from signer.contracts import ContractState
from signer.pades.evidence import Integrity

_STATE_ZH = {
    ContractState.NOT_YET_IN_FORCE: "保险期间尚未开始",
    ContractState.IN_FORCE: "目前在保险期间内",
    ContractState.SUPERSEDED: "已被后续批单更新，请以最新文件为准",
    ContractState.SUSPENDED: "保险合同已中止",
    ContractState.SURRENDERED: "保险合同已退保",
    ContractState.LAPSED: "保险期间已届满",
    ContractState.CANCELLED: "保险合同已撤销",
}


# By the first part of a template's name: what people call the document.
_KINDS_ZH = {"policy": "电子保单", "endorsement": "电子批单", "proposal": "电子投保单", "mark": "电子保险标志"}
_ANY_KIND_ZH = "文件"
_DOUBTFUL_ZH = "该文件有电子签名，但无法判断显示的内容是否就是签名的内容，请向签发人索取原始文件。"


def kind_of(template: str) -> str:
    """What a document of ours is, by its template's name (`endorsement/commercial@1`); companions and the rest are files."""
    return _KINDS_ZH.get(template.split("/", 1)[0], _ANY_KIND_ZH)


@dataclass(frozen=True)
class Seen:
    """What a sentence is made of. `template`: of a document in our register, empty where a caller brought it to be sealed; None for what
    we don't know. `doubtful`: signed, read, and yet nobody can tell whether it shows what was signed.
    """

    integrity: Integrity
    template: str | None = None
    trusted: bool = False
    doubtful: bool = False
    state: ContractState | None = None


def summarise(seen: Seen) -> str:
    """What a policyholder needs to know, in one sentence."""
    kind = kind_of(seen.template or "")
    if seen.integrity is Integrity.UNREADABLE:
        return _DOUBTFUL_ZH if seen.doubtful else "该文件无法读取，无法验真，请上传原始的 PDF 文件。"
    if seen.integrity is Integrity.UNSIGNED:
        return "该文件没有电子签名，不是本公司签发的文件。"
    if seen.integrity is Integrity.CHANGED:
        return f"该{kind}在签名后被改动，不能作为有效的{kind}使用。"
    if seen.template is not None:
        did = "签发" if seen.template else "盖章"
        told = f"，{_STATE_ZH[seen.state]}" if seen.state is not None else ""
        return f"该{kind}由本公司{did}，内容完整、未被改动{told}。"
    if seen.trusted:
        return "该文件签名有效且未被改动，但不是本公司签发的文件。"
    return "该文件未被改动，但签名人身份无法确认，不是本公司签发的文件。"
