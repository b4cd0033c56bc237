"""What a verification can find: stable codes for programs, one English and one Chinese message each for people.

Not for errors: a request that makes no sense raises (`signer.errors`); a wrong signature is an answer with findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingCode(StrEnum):
    """Stable codes; part of the public API, so they are never renamed."""

    CONTENT_MODIFIED = "content-modified"
    SIGNATURE_WRONG = "signature-wrong"
    SIGNATURE_MALFORMED = "signature-malformed"
    SIGNATURE_UNSUPPORTED = "signature-unsupported"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_PATH_NOT_FOUND = "certificate-path-not-found"
    CERTIFICATE_PATH_INVALID = "certificate-path-invalid"
    CERTIFICATE_USAGE = "certificate-usage"
    CERTIFICATE_WEAK = "certificate-weak"
    CERTIFICATE_REVOKED = "certificate-revoked"
    REVOCATION_NOT_CHECKED = "revocation-not-checked"
    KEY_DEACTIVATED = "key-deactivated"
    PUBLIC_KEY_ONLY = "public-key-only"
    NOT_ISSUED_HERE = "not-issued-here"
    NOT_THE_RELEASED_BYTES = "not-the-released-bytes"
    NOT_IN_ISSUE_REGISTER = "not-in-issue-register"
    UNSIGNED = "unsigned"
    NOT_A_PDF = "not-a-pdf"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    TOO_MANY_PAGES = "too-many-pages"
    TOO_LARGE = "too-large"
    INSPECTION_LIMIT = "inspection-limit"
    CHANGED_AFTER_SIGNING = "changed-after-signing"
    NOT_WHOLLY_COVERED = "not-wholly-covered"
    BYTES_AFTER_END = "bytes-after-end"
    JUNK_IN_SIGNATURE = "junk-in-signature"
    REPORT_UNSIGNED = "report-unsigned"


@dataclass(frozen=True)
class Finding:
    """One thing that a verification found."""

    code: FindingCode
    message: str
    message_zh: str


# English and Chinese
_MESSAGES: dict[FindingCode, tuple[str, str]] = {
    FindingCode.CONTENT_MODIFIED: ("The content is not what was signed.", "内容与签名时不一致，已被改动。"),
    FindingCode.SIGNATURE_WRONG: ("The signature is wrong.", "签名值不正确。"),
    FindingCode.SIGNATURE_MALFORMED: ("The signature is not well formed.", "签名结构不规范。"),
    FindingCode.SIGNATURE_UNSUPPORTED: (
        "The signature is of a kind that can't be judged here.",
        "签名类型不受支持，无法判断。",
    ),
    FindingCode.CERTIFICATE_EXPIRED: ("The signer's certificate had expired.", "签名证书已过期。"),
    FindingCode.CERTIFICATE_NOT_YET_VALID: ("The signer's certificate was not valid yet.", "签名证书尚未生效。"),
    FindingCode.CERTIFICATE_PATH_NOT_FOUND: (
        "No path leads from the signer's certificate to a trust anchor.",
        "签名证书无法追溯到受信任的根证书。",
    ),
    FindingCode.CERTIFICATE_PATH_INVALID: ("The certificate path is not valid.", "签名证书的证书链无效。"),
    FindingCode.CERTIFICATE_USAGE: ("The certificate is not meant for signatures of this kind.", "证书用途不符。"),
    FindingCode.CERTIFICATE_WEAK: (
        "The certificate uses an algorithm or key too weak to rely on.",
        "证书算法或密钥强度不足。",
    ),
    FindingCode.CERTIFICATE_REVOKED: ("The certificate was revoked.", "证书已被吊销。"),
    FindingCode.REVOCATION_NOT_CHECKED: ("Revocation was not checked.", "未检查证书吊销状态。"),
    FindingCode.KEY_DEACTIVATED: ("The key no longer signs; it may still verify.", "该密钥已停用，仅可用于验签。"),
    FindingCode.PUBLIC_KEY_ONLY: (
        "Only the mathematics was judged, not who holds the key.",
        "仅验证了签名运算，未核实密钥持有人。",
    ),
    FindingCode.NOT_ISSUED_HERE: ("This document was not issued here.", "该文件不是本公司签发。"),
    FindingCode.NOT_THE_RELEASED_BYTES: (
        "The document was issued here, but these are not the bytes that were released.",
        "该文件由本公司签发，但文件内容与签发时不一致。",
    ),
    FindingCode.NOT_IN_ISSUE_REGISTER: (
        "Sealed with a key of ours, but not in the issue register.",
        "使用了本公司印章密钥，但签发登记中没有该文件。",
    ),
    FindingCode.UNSIGNED: ("The document carries no signature.", "该文件没有电子签名。"),
    FindingCode.NOT_A_PDF: ("This is not a PDF file.", "该文件不是 PDF 文件。"),
    FindingCode.ENCRYPTED: ("The file is encrypted.", "该文件已加密，无法读取。"),
    FindingCode.DAMAGED: ("The file is damaged.", "该文件已损坏，无法读取。"),
    FindingCode.TOO_MANY_PAGES: ("The file has more pages than can be judged.", "该文件页数超过上限。"),
    FindingCode.TOO_LARGE: ("The file is larger than can be judged.", "该文件大小超过上限。"),
    FindingCode.INSPECTION_LIMIT: (
        "Judging the file took more time or memory than any honest file needs.",
        "检查该文件超出时间或内存上限。",
    ),
    FindingCode.CHANGED_AFTER_SIGNING: ("The file was changed after it was signed.", "该文件在签名后被修改。"),
    FindingCode.NOT_WHOLLY_COVERED: ("The signature does not cover the whole file.", "签名没有覆盖整个文件。"),
    FindingCode.BYTES_AFTER_END: ("There are bytes after the end of the signed file.", "签名内容之后还有多余数据。"),
    FindingCode.JUNK_IN_SIGNATURE: ("There are bytes beside the signature in its place.", "签名区域内含有多余数据。"),
    FindingCode.REPORT_UNSIGNED: (
        "There is no signed report on this verification; what it found holds all the same.",
        "本次验真暂无签名报告，不影响验真结论。",
    ),
}


def finding(code: FindingCode | str, detail: str = "") -> Finding:
    """The finding for a code; `detail` (English, safe to show) is added to the English message."""
    code = FindingCode(code)
    message, message_zh = _MESSAGES[code]
    return Finding(code, f"{message[:-1]}: {detail}." if detail else message, message_zh)
