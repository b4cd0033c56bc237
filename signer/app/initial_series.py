"""Series that alert rules watch begin at zero: a counter that appears with its first event shows no increase to Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from hsm.errors import Reason as HsmReason
from monitoring import metrics
from monitoring.probe_record import OK
from policy_render.errors import Reason as RenderReason
from signer.algorithms import SignatureAlgorithm
from signer.pades.inspector import Limit
from signer.transport.overload_record import SUMMED_UP
from signer.transport.reasons import STATUS_OF_REASON

# What a probe may come to beside the reasons of the hsm package.
_PROBE_REASONS = ("own-signature-wrong", "deadline-exceeded")


def begin_series(rpcs: Iterable[str], clients: Iterable[str]) -> None:
    """`rpcs`: as "Service/Method". `clients`: those that have grants."""
    for reason in (*STATUS_OF_REASON, "internal"):
        metrics.refusals.labels(reason)
    for result in (OK, *(reason.value for reason in HsmReason), *_PROBE_REASONS):
        metrics.signing_probes.labels(result)
    for algorithm in set(SignatureAlgorithm) - {SignatureAlgorithm.UNSPECIFIED}:
        metrics.own_signatures_wrong.labels(algorithm.name)
    for reason in RenderReason:
        metrics.render_failures.labels(reason.value)
    for limit in Limit:
        metrics.inspection_limits_hit.labels(limit.value)
    for rpc in rpcs:
        for status in ("OK", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"):
            metrics.requests.labels(rpc, status)
    for client in clients:
        for reason in SUMMED_UP:
            metrics.overload_refusals.labels(client, reason)
