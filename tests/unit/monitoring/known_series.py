"""Every series that the appliance has, with its labels and the values that the code gives them. Made from the code itself."""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import product
from pathlib import Path

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from hsm import errors as hsm_errors
from hsm.return_values import NUMBER_OF
from isolation.process_table import PROCESSES
from isolation.sandbox import SandboxReport
from monitoring import metrics
from monitoring.bounded_server import REFUSED_BECAUSE
from monitoring.probe_record import OK
from policy_render import errors as render_errors
from signer.app.composition import rpc_names
from signer.documents.verify import Origin
from signer.pades.evidence import Integrity
from signer.pades.inspector import Limit
from signer.smtls import SmTlsReason
from signer.transport.overload_record import SUMMED_UP
from signer.transport.reasons import STATUS_OF_REASON
from signer.transport.smtls.limits import Ended
from signer.web.refusal import UPLOAD_OUTCOMES

ROOT = Path(__file__).resolve().parents[3]
ADDED_BY_PROMETHEUS = frozenset({"job", "instance"})


def series() -> dict[str, frozenset[str]]:
    """Series name → its labels, as on the page; `up` is Prometheus's own."""
    found: dict[str, frozenset[str]] = {"up": frozenset()}
    for metric in defined():
        labels = frozenset(metric._labelnames)
        if isinstance(metric, Counter):
            found[f"{metric._name}_total"] = labels
        elif isinstance(metric, Histogram):
            found |= {f"{metric._name}_{part}": labels for part in ("sum", "count")}
            found[f"{metric._name}_bucket"] = labels | {"le"}
        else:
            found[metric._name] = labels
    return found


def defined() -> list[MetricWrapperBase]:
    """Everything that monitoring/metrics.py defines."""
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def _in_source(file: str, pattern: str) -> frozenset[str]:
    values = frozenset(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8")))
    assert values, f"{file} has nothing like {pattern}"
    return values


def label_values() -> dict[tuple[str, str], frozenset[str]]:
    """(series, label) → the values that there can be. Only what expressions select by needs to stand here."""
    operations = _in_source("hsm/token.py", r'_(?:measured|in_session)\("(\w+)"')
    probed = {OK, *STATUS_OF_REASON, *(reason.value for reason in hsm_errors.Reason)}
    handshakes = {"ok", *(reason.value for reason in (*SmTlsReason, *Ended))}
    statuses = {"OK", *(status.name for status in STATUS_OF_REASON.values())}
    answers = {f"{integrity.value}/{origin.value}" for integrity, origin in product(Integrity, Origin)}
    transports = _in_source("signer/config/monitoring.py", r'(?:return|else) "([\w-]+)"')
    transports |= _in_source("signer/config/monitoring.py", r'"(loopback)"')
    transports |= _in_source("signer/transport/listener_config.py", r'return "(plain)"')
    kinds = _in_source("signer/services/signing_service.py", r'verifications\.labels\("(\w+)"')
    kinds |= _in_source("signer/documents/verify.py", r'verifications\.labels\("(\w+)"')
    uses = _in_source("signer/transport/smtls/material.py", r'expiry_timestamp_seconds\.labels\("([\w-]+)"')
    volumes = _in_source("signer/app/serve.py", r'"(log|archive|run)": config')
    return {
        ("signer_refusals_total", "reason"): frozenset({*STATUS_OF_REASON, "internal"}),
        ("signer_overload_refusals_total", "reason"): SUMMED_UP,
        ("signer_signing_probes_total", "result"): frozenset(probed),
        ("signer_requests_total", "rpc"): rpc_names(),
        ("signer_requests_total", "status"): frozenset(statuses),
        ("signer_request_seconds_bucket", "rpc"): rpc_names(),
        ("signer_hsm_call_seconds_bucket", "operation"): operations,
        ("signer_hsm_errors_total", "ckr"): frozenset(NUMBER_OF),
        ("signer_render_failures_total", "reason"): frozenset(reason.value for reason in render_errors.Reason),
        ("signer_inspection_limits_hit_total", "limit"): frozenset(limit.value for limit in Limit),
        ("signer_verifications_total", "kind"): kinds,
        ("signer_verifications_total", "answer"): frozenset(answers),
        ("signer_public_handshakes_total", "result"): frozenset(handshakes),
        ("signer_listener_info", "transport"): transports,
        ("signer_metrics_connections_refused_total", "reason"): frozenset(REFUSED_BECAUSE),
        ("signer_certificate_expiry_timestamp_seconds", "use"): uses,
        ("signer_volume_free_bytes", "directory"): volumes,
        ("signer_portal_uploads_total", "outcome"): UPLOAD_OUTCOMES,
        ("signer_reports_total", "result"): frozenset({"signed", "no-key", *probed}),
        ("signer_process_isolation", "measure"): frozenset(field.name for field in fields(SandboxReport)),
        ("signer_process_isolation", "process"): frozenset(PROCESSES),
    }
