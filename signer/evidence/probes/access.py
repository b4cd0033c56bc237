"""The grants in force, and whose approval they have. Counts and digests; names of systems, never of people."""

from __future__ import annotations

from signer.evidence.fact import Fact, FactKind, Observation, Probe, judged, shown
from signer.evidence.surroundings import GrantSummary, Surroundings

_LEAST_APPROVALS = 2


def _grants(surroundings: Surroundings) -> Observation:
    summary = surroundings.read_grants()
    facts = [
        Fact("version", "授权文件版本", str(summary.version), FactKind.GRANT),
        Fact("grants", "授权条数", str(summary.grants), FactKind.GRANT),
        Fact("quotas", "配额条数", str(summary.quotas), FactKind.GRANT),
        *(_client(client) for client in summary.clients),
    ]
    return shown(
        f"授权默认拒绝；{len(summary.clients)} 个客户端有授权。",
        f"Deny by default; {len(summary.clients)} clients have grants.",
        facts,
    )


def _client(client: GrantSummary) -> Fact:
    digest_signing = "，可签外来摘要" if client.digest_signing else ""
    text = (
        f"{client.rpcs} 个接口，{client.templates} 个模板，密钥 {'、'.join(client.keys) or '无'}{digest_signing}，"
        f"SM3 {client.digest[:16]}"
    )
    return Fact(f"client.{client.client}", f"客户端 {client.client}", text, FactKind.GRANT)


def _approval(surroundings: Surroundings) -> Observation:
    summary = surroundings.read_grants()
    enough = summary.required >= _LEAST_APPROVALS and summary.approved >= summary.required
    facts = [
        Fact("required", "要求的批准人数", str(summary.required), FactKind.GRANT),
        Fact("approved", "已批准人数", str(summary.approved), FactKind.GRANT),
    ]
    return judged(
        enough,
        ("授权文件已由多名管理员签名批准。", "授权文件没有要求至少两名管理员批准。"),
        ("Several administrators approved the grants.", "The grants need fewer than two administrators' approval."),
        facts,
    )


PROBES = (
    Probe("grants", "授权", "Grants", _grants),
    Probe("grants-approval", "授权批准", "Approval of the grants", _approval),
)
