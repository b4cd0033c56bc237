"""The keys as a client sees them, and what they do when they are asked: sign, notice a change, refuse another purpose."""

from __future__ import annotations

from datetime import UTC, datetime

from signer.algorithms import sm3
from signer.certificates import Certificate
from signer.evidence.fact import Fact, FactKind, Observation, Probe, contrary, judged, shown, unknown
from signer.evidence.remote import KeyFacts, Refused
from signer.evidence.surroundings import Surroundings

_MESSAGE = b"signer evidence: a signature that shows that signing works"


def _keys(surroundings: Surroundings) -> Observation:
    keys = surroundings.remote.list_keys()
    now = datetime.now(UTC)
    facts, expired = [], []
    for key in keys:
        ends = Certificate.load(key.certificate).not_after if key.certificate else None
        facts.append(Fact(f"key.{key.key}", f"密钥 {key.key}", _line(key, ends), FactKind.KEY))
        if key.state == "active" and ends is not None and ends <= now:
            expired.append(key.key)
    return judged(
        bool(keys) and not expired,
        (f"{len(keys)} 个密钥版本，证书都在有效期内。", "没有密钥，或有密钥的证书已过期。"),
        (f"{len(keys)} key versions, every certificate in date.", "No keys, or a certificate has expired."),
        facts,
    )


def _line(key: KeyFacts, ends: datetime | None) -> str:
    dated = f"证书至 {ends.astimezone(UTC):%Y-%m-%d}" if ends is not None else "无证书"
    algorithms = "、".join(key.algorithms)
    return f"{key.purpose}，{key.state}，{algorithms}，{dated}，公钥 SM3 {sm3.digest(key.public_key).hex()[:16]}"


def _own_signature(surroundings: Surroundings) -> Observation:
    remote = surroundings.remote
    facts, wrong = [], []
    for key in _message_keys(surroundings):
        sample = remote.sign(key.key, _MESSAGE)
        verdict = remote.verify(sample, _MESSAGE)
        facts.append(Fact(f"verdict.{key.key}", f"{key.key} 签名后验签", f"{sample.algorithm} {verdict}"))
        if verdict != "PASSED":
            wrong.append(key.key)
    if not facts:
        return unknown("没有可用的报文密钥。", "There is no message key to sign with.")
    return judged(
        not wrong,
        ("现场签名并验签通过。", "现场签名没有通过验签。"),
        ("Signed and verified just now.", "A signature of just now does not verify."),
        facts,
    )


def _altered(surroundings: Surroundings) -> Observation:
    remote = surroundings.remote
    facts, wrong = [], []
    for key in _message_keys(surroundings):
        verdict = remote.verify(remote.sign(key.key, _MESSAGE), _MESSAGE + b".")
        facts.append(Fact(f"verdict.{key.key}", f"{key.key} 对改动内容验签", verdict))
        if verdict != "FAILED":
            wrong.append(key.key)
    if not facts:
        return unknown("没有可用的报文密钥。", "There is no message key to sign with.")
    return judged(
        not wrong,
        ("内容改动一字节，验签不通过。", "改动的内容通过了验签。"),
        ("A changed message does not verify.", "A changed message verified."),
        facts,
    )


def _purpose(surroundings: Surroundings) -> Observation:
    seal = next((key for key in surroundings.remote.list_keys() if key.purpose == "seal"), None)
    if seal is None:
        return unknown("客户端没有签章密钥。", "The client has no seal key.")
    try:
        surroundings.remote.sign(seal.key, _MESSAGE)
    except Refused as problem:
        facts = [Fact("seal-key-for-messages", "用签章密钥签报文", problem.told)]
        if problem.reason == "KEY_PURPOSE":
            return shown("签章密钥不能签报文：用途隔离有效。", "A seal key does not sign messages.", facts)
        return unknown("请求因其他原因被拒绝。", "The request was refused for another reason.", facts)
    return contrary("签章密钥签了报文。", "A seal key signed a message.")


def _message_keys(surroundings: Surroundings) -> list[KeyFacts]:
    return [key for key in surroundings.remote.list_keys() if key.purpose == "message" and key.state == "active"]


PROBES = (
    Probe("keys", "密钥与证书", "Keys and certificates", _keys),
    Probe("own-signature", "签名验签", "A signature made and verified", _own_signature),
    Probe("altered-refused", "改动可查", "A change is found", _altered),
    Probe("key-purpose", "密钥用途隔离", "Keys keep to their purpose", _purpose),
)
