"""Makes an evidence pack: every probe run once, every item judged by what its probes saw, the log's head beside it.

The pack is a JSON object by the schema of the template evidence/pack, which prints and seals it. Not for sealing: whoever
made the pack issues it (`signer.cli.evidence`).
"""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from signer.audit.checkpoint import verify_checkpoint
from signer.audit.receipt import SignedTree
from signer.errors import SignerError
from signer.evidence.canonical import moment
from signer.evidence.fact import Observation, Outcome, Probe
from signer.evidence.item import STATUS_ZH, Domain, Item, ItemList, Standard, Status, judge, load_items, outcomes_of
from signer.evidence.probes.catalogue import ALL, NAMES, observe
from signer.evidence.surroundings import Surroundings

FORMAT = "signer-evidence-pack"
FORMAT_VERSION = 1
TEMPLATE = "evidence/pack"
_STATEMENTS_ZH = (
    "本证据包由系统在生成时刻对自身查看所得，查看方法和结果逐项列出；未能查看的，写明未能查看。",
    "标准文本不在手边：要求以本系统自己的话转述，没有逐字核对，条款号凭公开资料，标“？”者没有把握，以标准正式文本为准。",
    "结论是系统提供者的自评，不是测评结论；测评由有资质的机构作出。",
    "软件密码实现（开发令牌、OpenSSL 验签与 TLS）没有商用密码产品认证，相应的密码产品要求一律标为不符合。",
    "本包不含个人信息；附件 evidence.json 与印刷内容来自同一份数据。",
)


def make_pack(
    surroundings: Surroundings, now: datetime, *, previous: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A pack as a JSON object. `previous`: the pack before, already verified; its log is proven to be this log's beginning.

    Raises:
        ConfigurationError: the item list is broken; no probe ends it.
    """
    items = load_items(NAMES)
    seen = {probe.name: observe(probe, surroundings) for probe in ALL}
    outcomes = {name: observation.outcome for name, observation in seen.items()}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "pack": {
            "number": f"EVP{now:%Y%m%d%H%M%S}{secrets.token_hex(3).upper()}",
            "created_at": moment(now),
            "company": surroundings.company,
            "appliance": surroundings.log.origin,
            "mode": "production" if surroundings.production else "development",
            "version": version("signing-appliance"),
            "previous": previous["pack"]["number"] if previous else "",
        },
        "statements": list(_STATEMENTS_ZH),
        "summary": [_summary(standard, items.items, outcomes) for standard in items.standards],
        "standards": [standard_values(standard, items, outcomes) for standard in items.standards],
        "probes": [_probe(probe, seen[probe.name]) for probe in ALL],
        "log": _log(surroundings, previous),
    }


def _status(item: Item, outcomes: Mapping[str, Outcome]) -> Status:
    return judge(item.claimed, outcomes_of(item, outcomes))


def _summary(standard: Standard, items: Sequence[Item], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    counts = Counter(_status(item, outcomes) for item in items if item.standard == standard.id)
    return {
        "standard": standard.id,
        "items": sum(counts.values()),
        **{status.value.replace("-", "_"): counts[status] for status in Status},
    }


def standard_values(standard: Standard, items: ItemList, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """A standard with all its items as they stand in a pack. `outcomes`: of every probe that items name."""
    return {
        "id": standard.id,
        "title_zh": standard.title_zh,
        "level_zh": standard.level_zh,
        "text_checked": standard.text_checked,
        "domains": [_domain(domain, outcomes) for domain in items.domains if domain.standard == standard.id],
    }


def _domain(domain: Domain, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    return {
        "clause": domain.clause,
        "title_zh": domain.title_zh,
        "items": [_item(item, outcomes) for item in domain.items],
    }


def _item(item: Item, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    status = _status(item, outcomes)
    titles = {probe.name: probe.title_zh for probe in ALL}
    missing = [titles[name] for name in item.probes if outcomes[name] is not Outcome.SHOWN]
    why = (
        f"原为{STATUS_ZH[item.claimed]}，因下列证明未成立而降低：{'、'.join(missing)}"
        if status is not item.claimed
        else ""
    )
    return {
        "id": item.id,
        "title_zh": item.title_zh,
        "clause_sure": item.clause_sure,
        "requirement_zh": item.requirement_zh,
        "does_zh": item.does_zh,
        "does_en": item.does_en,
        "duty_zh": item.duty_zh,
        "claimed": item.claimed.value,
        "status": status.value,
        "status_zh": STATUS_ZH[status],
        "lowered_zh": why,
        "probes": [{"name": name, "title_zh": titles[name], "outcome": outcomes[name].value} for name in item.probes],
    }


def _probe(probe: Probe, observation: Observation) -> dict[str, Any]:
    return {
        "name": probe.name,
        "title_zh": probe.title_zh,
        "title_en": probe.title_en,
        "outcome": observation.outcome.value,
        "told_zh": observation.told_zh,
        "told_en": observation.told_en,
        "facts": [
            {"name": fact.name, "title_zh": fact.title_zh, "value": fact.value, "kind": fact.kind.value}
            for fact in observation.facts
        ],
    }


def _log(surroundings: Surroundings, previous: Mapping[str, Any] | None) -> dict[str, Any]:
    """The signed head, and the proof that the head of the pack before is its beginning; empty where it can't be had."""
    values: dict[str, Any] = {
        "origin": surroundings.log.origin,
        "size": 0,
        "root": "",
        "public_key": "",
        "checkpoint": [],
    }
    values["consistency"] = {"shown": False, "from_size": 0, "from_root": "", "proof": []}
    try:
        key = surroundings.log.key()
        tree = SignedTree(surroundings.log.folder, key)
        checkpoint = tree.checkpoint()
        values |= {
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "public_key": base64.b64encode(key.public_key.spki).decode(),
            "checkpoint": checkpoint.text.split("\n"),
        }
        if previous is not None:
            old = verify_checkpoint("\n".join(previous["log"]["checkpoint"]), key.name, key)
            proof = tree.consistency(old.size, checkpoint)
            values["consistency"] = {
                "shown": True,
                "from_size": old.size,
                "from_root": old.root.hex(),
                "proof": [node.hex() for node in proof],
            }
    except SignerError:
        return values  # the probes say what is wrong with the log
    return values
