"""The one Chinese sentence that tells a policyholder what an upload is. Words only; the verdicts come from `verify`."""

from __future__ import annotations

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


def summarise(integrity: Integrity, issued_here: bool, trusted: bool, state: ContractState | None) -> str:
    """What a policyholder needs to know, in one sentence."""
    if integrity is Integrity.UNREADABLE:
        return "该文件无法读取，无法验真，请上传原始的电子保单 PDF 文件。"
    if integrity is Integrity.UNSIGNED:
        return "该文件没有电子签名，不是本公司签发的电子保单。"
    if integrity is Integrity.CHANGED:
        return "该文件在签名后被改动，不能作为有效的电子保单使用。"
    if issued_here:
        told = f"，{_STATE_ZH[state]}" if state is not None else ""
        return f"该文件由本公司签发，内容完整、未被改动{told}。"
    if trusted:
        return "该文件签名有效且未被改动，但不是本公司签发的电子保单。"
    return "该文件未被改动，但签名人身份无法确认，不是本公司签发的电子保单。"
