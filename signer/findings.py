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
    VALIDATION_DATA_ADDED = "validation-data-added"
    TIMESTAMP_ADDED = "timestamp-added"
    FURTHER_SIGNATURES = "further-signatures"
    FORM_FILLED = "form-filled"
    DRAWN_OVER = "drawn-over"
    READERS_DIFFER = "readers-differ"
    FILLED_OVER = "filled-over"
    COMMENTS_ADDED = "comments-added"
    COMMENTED_OVER = "commented-over"
    SIGNATURE_WEAK = "signature-weak"
    ALGORITHM_MISMATCH = "algorithm-mismatch"
    TIMESTAMP_WRONG = "timestamp-wrong"
    TIMESTAMP_NOT_TRUSTED = "timestamp-not-trusted"
    REVOCATION_UNKNOWN = "revocation-unknown"
    SEAL_FORGED = "seal-forged"
    SEAL_NOT_VALID = "seal-not-valid"
    SEAL_NOT_FOR_SIGNER = "seal-not-for-signer"
    SEAL_MAKER_NOT_TRUSTED = "seal-maker-not-trusted"
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
    FindingCode.VALIDATION_DATA_ADDED: (
        "Data for long-term validation was added after signing, which is allowed.",
        "签名后加入了长期验证数据，属于允许的变更。",
    ),
    FindingCode.TIMESTAMP_ADDED: (
        "A document timestamp was added after signing, which is allowed.",
        "签名后加盖了文档时间戳，属于允许的变更。",
    ),
    FindingCode.FURTHER_SIGNATURES: (
        "Others signed the document afterwards, which is allowed.",
        "之后又有他人签名，属于允许的变更。",
    ),
    FindingCode.FORM_FILLED: (
        "Form fields that the signer left open were filled in afterwards.",
        "签名后填写了签名人预留的表单项。",
    ),
    FindingCode.DRAWN_OVER: (
        "A later signature by somebody whom nobody vouches for shows on a page; what it hides can't be told.",
        "之后有不受信任的签名在页面上加盖图样，可能遮盖原有内容，无法判断。",
    ),
    FindingCode.READERS_DIFFER: (
        "The file is built so that programs may read it differently; what it shows can't be told.",
        "该文件的结构会使不同软件读出不同内容，无法判断。",
    ),
    FindingCode.FILLED_OVER: (
        "A form field that lies over text was filled in afterwards; what it hides can't be told.",
        "签名后填写的表单项覆盖在原有文字上，可能遮盖原有内容，无法判断。",
    ),
    FindingCode.COMMENTS_ADDED: (
        "Notes were added afterwards, which the signer allowed; they are not part of what was signed.",
        "签名后添加了签名人允许的批注，批注不属于签名内容。",
    ),
    FindingCode.COMMENTED_OVER: (
        "Comments that draw on the pages were added afterwards, which the signer allowed; what they hide can't be told.",
        "签名后添加了签名人允许的批注，批注绘制在页面上，可能遮盖原有内容，无法判断。",
    ),
    FindingCode.SIGNATURE_WEAK: (
        "The signature uses an algorithm or key too weak to rely on.",
        "签名使用的算法或密钥强度不足，不可信赖。",
    ),
    FindingCode.ALGORITHM_MISMATCH: (
        "The signature's algorithm and its digest don't belong together.",
        "签名算法与摘要算法不匹配。",
    ),
    FindingCode.TIMESTAMP_WRONG: ("A timestamp is wrong, or of something else.", "时间戳不正确，或不属于该签名。"),
    FindingCode.TIMESTAMP_NOT_TRUSTED: (
        "A timestamp was made by an authority that is not trusted here.",
        "时间戳的签发机构不受信任。",
    ),
    FindingCode.REVOCATION_UNKNOWN: (
        "It could not be found out whether the certificate was revoked.",
        "无法获知证书是否已被吊销。",
    ),
    FindingCode.SEAL_FORGED: (
        "The electronic seal is not as its maker signed it.",
        "电子印章不是制章者签发的原样，疑为伪造。",
    ),
    FindingCode.SEAL_NOT_VALID: (
        "The electronic seal was not valid at the time of sealing.",
        "盖章时电子印章不在有效期内。",
    ),
    FindingCode.SEAL_NOT_FOR_SIGNER: (
        "The electronic seal was not made for the one who used it.",
        "盖章人不在电子印章的签章人证书列表中。",
    ),
    FindingCode.SEAL_MAKER_NOT_TRUSTED: (
        "Nobody vouches for the maker of the electronic seal.",
        "电子印章的制章者不受信任。",
    ),
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
