"""The words of `conclusion`, Chinese and English. Words only; which of them fit is decided there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2


@dataclass(frozen=True)
class Text:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class StateWords:
    """A contract's state: as the headline of a genuine document, and told in the list of checks."""

    headline: Text
    told: Text


STATES: Mapping[int, StateWords] = {
    wire.CONTRACT_STATE_NOT_YET_IN_FORCE: StateWords(
        Text("真实，尚未生效", "Genuine, not yet in force"),
        Text("保险期间尚未开始", "The insurance has not begun yet."),
    ),
    wire.CONTRACT_STATE_IN_FORCE: StateWords(
        Text("真实有效", "Genuine and in force"), Text("在保险期间内", "The insurance is in force.")
    ),
    wire.CONTRACT_STATE_SUPERSEDED: StateWords(
        Text("真实，但已被批改", "Genuine, but superseded"),
        Text("已被后续批单更新，以最新文件为准", "A later endorsement says what holds now."),
    ),
    wire.CONTRACT_STATE_SUSPENDED: StateWords(
        Text("真实，但合同已中止", "Genuine, but the contract is suspended"),
        Text("保险合同已中止", "The contract is suspended."),
    ),
    wire.CONTRACT_STATE_SURRENDERED: StateWords(
        Text("真实，但已退保", "Genuine, but the contract was surrendered"),
        Text("保险合同已退保", "The contract was surrendered."),
    ),
    wire.CONTRACT_STATE_LAPSED: StateWords(
        Text("真实，但保险已到期", "Genuine, but the insurance has ended"),
        Text("保险期间已届满", "The insurance has ended."),
    ),
    wire.CONTRACT_STATE_CANCELLED: StateWords(
        Text("真实，但合同已撤销", "Genuine, but the contract was cancelled"),
        Text("保险合同已撤销", "The contract was cancelled."),
    ),
}
# Of an appliance that is newer than this client.
UNKNOWN_STATE = StateWords(
    Text("真实，但合同状态不明", "Genuine, the contract's state is not clear"),
    Text("合同状态不明，请联系本公司", "The contract's state is not known here; ask us."),
)
# By the values of `Outcome`.
HEADLINES: Mapping[str, Text] = {
    "genuine": STATES[wire.CONTRACT_STATE_IN_FORCE].headline,
    "changed": Text("已被改动", "Changed after it was signed"),
    "not-ours": Text("不是本公司签发", "Not issued by us"),
    "unreadable": Text("无法读取", "This file can't be read"),
}
IN_FORCE_OF_NOTHING = (
    Text("真实完整", "Genuine"),
    Text("该文件由本公司签发，内容完整、未被改动。", "Issued by us, and not changed since."),
)
SENTENCES: Mapping[str, Text] = {
    "genuine": Text(
        "该文件由本公司签发，内容完整、未被改动，目前在保险期间内。",
        "Issued by us, not changed since, and the insurance is in force.",
    ),
    "not-in-force": Text("该文件由本公司签发，内容完整、未被改动。", "Issued by us and not changed since."),
    "changed": Text(
        "该文件在签名后被改动，不能作为有效的文件使用。",
        "The file is not what was signed; it is not valid.",
    ),
    "not-ours": Text("该文件不是本公司签发的文件。", "The file is not one of ours."),
    "unreadable": Text(
        "该文件无法读取，无法验真，请上传原始的 PDF 文件。",
        "The file can't be judged: it is no PDF that can be read.",
    ),
}
# Signed and read, but nobody can tell whether it shows what was signed.
DOUBTFUL = (
    Text("无法判断", "Can't be told"),
    Text(
        "该文件有电子签名，但无法判断显示的内容是否就是签名的内容，请向签发人索取原始文件。",
        "The file is signed, but whether it shows what was signed can't be told.",
    ),
    Text(
        "请不要依赖显示的内容，并向签发人索取原始文件。",
        "Don't rely on what it shows; ask whoever issued it for the original.",
    ),
)
ADVICE: Mapping[str, Text] = {
    "genuine": Text("可以放心使用。", "You can rely on it."),
    "not-in-force": Text(
        "文件本身真实；保障以合同当前状态为准，如有疑问请联系本公司。",
        "The file itself is genuine; what you are insured for depends on the contract's state. Ask us if in doubt.",
    ),
    "changed": Text(
        "请不要使用，并向本公司或销售机构索取原始文件。",
        "Don't use it; ask us or whoever sold you the insurance for the original.",
    ),
    "not-ours": Text(
        "如果有人以此作为本公司的保单向您收费，请立即联系本公司核实。",
        "If somebody took money for it as a policy of ours, contact us at once.",
    ),
    "unreadable": Text(
        "请上传收到的原始 PDF，不要用照片、扫描件，也不要另存或打印成新的 PDF。",
        "Upload the PDF as you received it: no photo, no scan, not saved or printed anew.",
    ),
}
ALGORITHMS: Mapping[int, str] = {
    types_pb2.SIGNATURE_ALGORITHM_SM2_SM3: "SM2 / SM3",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA256: "RSA / SHA-256",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA384: "RSA / SHA-384",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA512: "RSA / SHA-512",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA256: "RSA-PSS / SHA-256",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA384: "RSA-PSS / SHA-384",
    types_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA512: "RSA-PSS / SHA-512",
}
