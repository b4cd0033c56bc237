"""The tamper-evident log: its signed head, every entry, sample receipts, and that it only grew since the pack before.

Judged from the files and the public key alone, as an auditor does it; nothing that the service says counts, but for the
receipt that a client asks for.
"""

from __future__ import annotations

import time

from signer.audit.checkpoint import verify_checkpoint
from signer.audit.fsck import Inspection, inspect_log
from signer.audit.merkle import SM3, verify_consistency
from signer.audit.receipt import SignedTree
from signer.evidence.fact import Fact, Observation, Probe, contrary, judged, shown, unknown
from signer.evidence.fact import FactKind as Kind
from signer.evidence.remote import Refused
from signer.evidence.surroundings import Surroundings

_SAMPLES = 16
_PROOF_WITHIN_S = 10.0


def _checkpoint(surroundings: Surroundings) -> Observation:
    key = surroundings.log.key()
    checkpoint = SignedTree(surroundings.log.folder, key).checkpoint()
    facts = [
        Fact("origin", "日志名称", checkpoint.origin, Kind.SETTING),
        Fact("size", "记录数", str(checkpoint.size), Kind.COUNT),
        Fact("root", "树头 SM3", checkpoint.root.hex(), Kind.COUNT),
        Fact("key", "日志公钥标识", key.key_id.hex(), Kind.KEY),
    ]
    return shown("树头签名验证通过。", "The tree head's signature is right.", facts)


def _fsck(surroundings: Surroundings) -> Observation:
    found = _inspect(surroundings)
    if found.damages:  # a living log may outgrow a partial tile between two reads: what is damaged stays damaged
        found = _inspect(surroundings)
    facts = [
        Fact("entries", "核对的记录数", str(found.entries), Kind.COUNT),
        Fact("damages", "发现的损坏", str(len(found.damages))),
        *(Fact(f"damage.{item.code}", "损坏", f"{item.where}: {item.message}") for item in found.damages[:5]),
    ]
    return judged(
        not found.damages,
        ("逐条核对，日志完好。", "日志已被改动。"),
        ("Every entry was checked; the log is sound.", "The log was tampered with."),
        facts,
    )


def _inspect(surroundings: Surroundings) -> Inspection:
    return inspect_log(surroundings.log.folder, surroundings.log.key())


def _receipts(surroundings: Surroundings) -> Observation:
    tree = SignedTree(surroundings.log.folder, surroundings.log.key())
    size = tree.checkpoint().size
    places = sorted({index * (size - 1) // max(1, _SAMPLES - 1) for index in range(_SAMPLES)}) if size else []
    for index in places:
        tree.receipt(index)  # verifies the inclusion proof before it returns
    facts = [Fact("samples", "抽查的包含证明", str(len(places)), Kind.COUNT)]
    key = next((key for key in surroundings.remote.list_keys() if key.purpose == "message"), None)
    if key is not None:
        sample = surroundings.remote.sign(key.key, b"signer evidence: a receipt")
        covered = _prove(surroundings, sample.log_id, sample.log_index)
        facts += [
            Fact("new-entry", "刚才签名的记录号", str(sample.log_index), Kind.COUNT),
            Fact("new-entry-proven-in", "证明所在的树头", str(covered), Kind.COUNT),
        ]
    return shown(
        "抽查的收据及刚才签名的收据均得到证明。", "Sample receipts and that of a new signature are proven.", facts
    )


def _prove(surroundings: Surroundings, log_id: str, index: int) -> int:
    until = time.monotonic() + _PROOF_WITHIN_S
    while True:
        try:
            return surroundings.remote.prove(log_id, index)
        except Refused as problem:
            if problem.reason != "LOG_BEHIND" or time.monotonic() > until:
                raise
            time.sleep(0.1)


def _consistency(surroundings: Surroundings) -> Observation:
    if surroundings.previous_checkpoint is None:
        return unknown("没有给出上一份证据包。", "No earlier pack was given.")
    key = surroundings.log.key()
    old = verify_checkpoint(surroundings.previous_checkpoint, key.name, key)
    tree = SignedTree(surroundings.log.folder, key)
    new = tree.checkpoint()
    facts = [
        Fact("from", "上一份的记录数", str(old.size), Kind.COUNT),
        Fact("to", "现在的记录数", str(new.size), Kind.COUNT),
    ]
    if new.size < old.size:
        return contrary(
            "日志比上一份证据包时短：被回滚。", "The log is shorter than before: it was rolled back.", facts
        )
    verify_consistency(SM3, old.size, old.root, new.size, new.root, tree.consistency(old.size, new))
    return shown("自上一份证据包以来日志只增未改。", "The log only grew since the pack before.", facts)


PROBES = (
    Probe("log-checkpoint", "日志树头", "The log's signed head", _checkpoint),
    Probe("log-fsck", "日志逐条核对", "Every entry of the log", _fsck),
    Probe("log-receipts", "日志收据", "Receipts with proofs", _receipts),
    Probe("log-consistency", "日志只增", "The log only grew", _consistency),
)
