"""Every metric of the appliance, defined once, with its unit and meaning; call sites import the object.

Several processes feed one page: where PROMETHEUS_MULTIPROC_DIR is set before this module is imported, values live in files
there and `monitoring.exporter` adds them up. Labels hold names from configuration or fixed words, never personal data.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram, values

from monitoring import gathered_values

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    values.ValueClass = gathered_values.GatheredValue

AnyMetric = TypeVar("AnyMetric", Counter, Gauge, Histogram)


@cache
def labelled(metric: AnyMetric, *values: str) -> AnyMetric:
    """The metric's child with these label values, found without its lock: for what happens several times in a call.

    Children are kept for good, so values come from configuration or fixed words, as all label values here.
    """
    return metric.labels(*values)


# Seconds; a signature takes about a millisecond, a rendered document tens, an upload up to seconds.
_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SLOW = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# ---- whether it works: set by the exporter from what the supervisor and the workers wrote down
ready = Gauge("signer_ready", "1 while /readyz says ready.", multiprocess_mode="livemostrecent")
process_ready = Gauge(
    "signer_process_ready", "1 while a process runs and is ready.", ["process"], multiprocess_mode="livemostrecent"
)
process_start_time_seconds = Gauge(
    "signer_process_start_time_seconds",
    "When a process was started last, in Unix time.",
    ["process"],
    multiprocess_mode="livemostrecent",
)
signing_works = Gauge(
    "signer_signing_works",
    "1 while a worker's last real signature succeeded and is fresh.",
    ["process"],
    multiprocess_mode="livemostrecent",
)
volume_free_bytes = Gauge(
    "signer_volume_free_bytes",
    "Bytes that the appliance can still write on the volume of a directory.",
    ["directory"],
    multiprocess_mode="livemostrecent",
)
volume_size_bytes = Gauge(
    "signer_volume_size_bytes",
    "Bytes of the volume that a directory is on.",
    ["directory"],
    multiprocess_mode="livemostrecent",
)
signing_probes = Counter(
    "signer_signing_probes", "Real signatures made by workers to see whether signing works: ok, or why not.", ["result"]
)

requests = Counter("signer_requests", "RPCs answered, by method and gRPC status name.", ["rpc", "status"])
request_seconds = Histogram(
    "signer_request_seconds", "Time from an RPC's arrival to its answer.", ["rpc"], buckets=_SLOW
)
requests_in_flight = Gauge(
    "signer_requests_in_flight", "RPCs being worked on now.", ["rpc"], multiprocess_mode="livesum"
)
admission_wait_seconds = Histogram(
    "signer_admission_wait_seconds", "Time that an admitted call waited for its turn.", buckets=_FAST
)
signature_seconds = Histogram(
    "signer_signature_seconds",
    "Time of one signature on the whole way: authorise, sign, verify own result, record.",
    ["algorithm"],
    buckets=_FAST,
)
signatures = Counter(
    "signer_signatures", "Signatures released, by key purpose and algorithm.", ["purpose", "algorithm"]
)
refusals = Counter("signer_refusals", "Requests refused, by reason code.", ["reason"])
overload_refusals = Counter(
    "signer_overload_refusals",
    "Calls refused because there was no room or the client's rate was used up (overloaded, rate-exceeded).",
    ["client", "reason"],
)
own_signatures_wrong = Counter(
    "signer_own_signatures_wrong", "Signatures of the token that did not verify; none was released.", ["algorithm"]
)
own_verification_seconds = Histogram(
    "signer_own_verification_seconds",
    "Time to verify an own signature before its release.",
    ["algorithm"],
    buckets=_FAST,
)
verifications = Counter(
    "signer_verifications",
    "Verifications answered, by kind (signature, message, document) and answer.",
    ["kind", "answer"],
)

reports = Counter("signer_reports", "Reports on verified documents: signed, or why they are not.", ["result"])

hsm_call_seconds = Histogram("signer_hsm_call_seconds", "Time of one PKCS#11 operation.", ["operation"], buckets=_FAST)
hsm_errors = Counter("signer_hsm_errors", "PKCS#11 operations that failed, by return value name.", ["operation", "ckr"])
hsm_sessions_leased = Gauge("signer_hsm_sessions_leased", "Sessions on lease now.", multiprocess_mode="livesum")
hsm_sessions_limit = Gauge(
    "signer_hsm_sessions_limit", "Sessions that the pools may hold.", multiprocess_mode="livesum"
)
hsm_lease_wait_seconds = Histogram("signer_hsm_lease_wait_seconds", "Time spent waiting for a session.", buckets=_FAST)
hsm_reconnections = Counter("signer_hsm_reconnections", "Times the token was lost and found again.")

log_entries = Counter("signer_log_entries", "Entries made durable in the log, by kind.", ["kind"])
log_append_seconds = Histogram("signer_log_append_seconds", "Time until an entry was durable.", buckets=_FAST)
log_commit_entries = Histogram(
    "signer_log_commit_entries",
    "Entries made durable by one flush.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
clock_troubles = Gauge(
    "signer_clock_troubles",
    "1 while this keeps the clock from being believed, and so everything from being signed.",
    ["trouble"],
    multiprocess_mode="mostrecent",
)
clock_source_answers = Gauge(
    "signer_clock_source_answers",
    "1 where the source of time gave an answer when it was asked last.",
    ["source"],
    multiprocess_mode="mostrecent",
)
clock_difference_seconds = Gauge(
    "signer_clock_difference_seconds",
    "Seconds that the clock is behind the source of time, as it said last.",
    ["source"],
    multiprocess_mode="mostrecent",
)
clock_steps = Counter("signer_clock_steps", "Times the system's clock was set by half a second or more.")
log_checkpoint_size = Gauge(
    "signer_log_checkpoint_size", "Entries under the last signed checkpoint.", multiprocess_mode="mostrecent"
)
log_unsigned_entries = Gauge(
    "signer_log_unsigned_entries", "Durable entries that no checkpoint covers yet.", multiprocess_mode="mostrecent"
)
log_journal_bytes = Gauge(
    "signer_log_journal_bytes", "Bytes of the log's journal, which is rotated.", multiprocess_mode="mostrecent"
)
log_cosigned_age_seconds = Gauge(
    "signer_log_cosigned_age_seconds",
    "Seconds since a configured witness last cosigned a head of the log; +Inf where it never did.",
    ["witness"],
    multiprocess_mode="mostrecent",
)
log_checkpoint_failures = Counter("signer_log_checkpoint_failures", "Checkpoints that could not be made.")
log_failures = Counter("signer_log_failures", "Appends that could not be made durable; nothing was released.")

renderer_queue = Gauge(
    "signer_renderer_queue", "Documents waiting for a renderer or being rendered.", multiprocess_mode="livesum"
)
render_seconds = Histogram(
    "signer_render_seconds", "Time to render one document, waiting included.", ["template"], buckets=_SLOW
)
render_failures = Counter("signer_render_failures", "Documents that could not be rendered, by reason.", ["reason"])
inspector_queue = Gauge(
    "signer_inspector_queue", "Uploads waiting for an inspector or being inspected.", multiprocess_mode="livesum"
)
inspection_seconds = Histogram(
    "signer_inspection_seconds", "Time to inspect one upload, waiting included.", buckets=_SLOW
)
inspection_limits_hit = Counter("signer_inspection_limits_hit", "Inspections ended by a limit or a crash.", ["limit"])

documents = Counter(
    "signer_documents", "Documents released, by template and seal algorithm.", ["template", "algorithm"]
)
document_seconds = Histogram("signer_document_seconds", "Time to issue one document.", ["template"], buckets=_SLOW)

public_connections = Gauge(
    "signer_public_connections", "Connections of verified peers on the public listener.", multiprocess_mode="livesum"
)
public_handshakes = Counter(
    "signer_public_handshakes", "Connections to the public listener: ok, or why they were refused.", ["result"]
)
public_connections_ended = Counter(
    "signer_public_connections_ended", "Connections of verified peers that ended, by reason.", ["reason"]
)
public_bytes = Counter(
    "signer_public_bytes", "Bytes on the public listener, TLS included on the peer's side.", ["direction"]
)

portal_uploads = Counter(
    "signer_portal_uploads",
    "Uploads to the portal: what they were found to be, or why they got no answer.",
    ["outcome"],
)
portal_upload_seconds = Histogram(
    "signer_portal_upload_seconds",
    "Time from an upload's head to its answer, the upload itself included.",
    buckets=_SLOW,
)
portal_upload_bytes = Gauge(
    "signer_portal_upload_bytes", "Bytes of uploads that are in memory now.", multiprocess_mode="livesum"
)
portal_connections_refused = Counter(
    "signer_portal_connections_refused", "Connections to the portal that were refused or ended, by reason.", ["reason"]
)

certificate_expiry_timestamp_seconds = Gauge(
    "signer_certificate_expiry_timestamp_seconds",
    "When a certificate of ours expires, in Unix time, by the key or listener that uses it.",
    ["use"],
    multiprocess_mode="mostrecent",
)
metrics_connections_refused = Counter(
    "signer_metrics_connections_refused",
    "Connections to the metrics listener that were refused, by reason.",
    ["reason"],
)
drill_due_days = Gauge(
    "signer_drill_due_days",
    "Days until an emergency drill is due; negative when overdue, 0 where it never passed.",
    ["drill"],
    multiprocess_mode="mostrecent",
)
drill_last_success = Gauge(
    "signer_drill_last_success_timestamp_seconds",
    "When an emergency drill last passed, in seconds since 1970; absent where it never did.",
    ["drill"],
    multiprocess_mode="mostrecent",
)
process_isolation = Gauge(
    "signer_process_isolation",
    "What confines each process, 0 where it is not in force; landlock_abi: the version of the kernel's interface.",
    ["process", "measure"],
    multiprocess_mode="mostrecent",
)
listener_info = Gauge(
    "signer_listener_info",
    "1; labels tell which listeners there are and what protects them (mutual-tls, sm-tls, loopback, plain).",
    ["listener", "transport"],
    multiprocess_mode="max",
)
build_info = Gauge(
    "signer_build_info", "1; labels tell what runs.", ["version", "python", "openssl"], multiprocess_mode="max"
)
