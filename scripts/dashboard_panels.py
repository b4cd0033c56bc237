"""What is on which dashboard: panels with their PromQL. `generate_dashboards` makes Grafana's JSON of it.

In expressions, $I stands for the selection of instances, $R for the window of rates.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """`queries`: (expression, legend). `kind`: Grafana's name of the picture."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _quantiles(metric: str, labels: str = "", selection: str = "") -> tuple[tuple[str, str], ...]:
    """Median and slowest hundredth; `labels`: kept ones, `selection`: further matchers."""
    by = f"{labels}, le" if labels else "le"
    legend = f" {{{{{labels}}}}}" if labels else ""
    matchers = f"$I,{selection}" if selection else "$I"
    return tuple(
        (f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket{{{matchers}}}[$R])))", f"{name}{legend}")
        for share, name in (("0.5", "50 %"), ("0.99", "99 %"))
    )


_ENTRIES_FOR_EACH_FLUSH = " / ".join(
    f"sum by (instance) (rate(signer_log_commit_entries_{part}{{$I}}[$R]))" for part in ("sum", "count")
)

DASHBOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "overview": (
        "签章系统总览 · Signing appliance: overview",
        (
            Panel("就绪 · Ready", "bool_yes_no", (("min by (instance) (signer_ready{$I})", "{{instance}}"),), "stat"),
            Panel(
                "真实签名 · Real signatures work", "bool_yes_no", (("signer_signing_works{$I}", "{{process}}"),), "stat"
            ),
            Panel("监听端 · Listeners", "none", (("signer_listener_info{$I}", "{{listener}}: {{transport}}"),), "stat"),
            Panel("进程 · Processes ready", "bool_yes_no", (("signer_process_ready{$I}", "{{process}}"),), "stat"),
            Panel(
                "运行时长 · Uptime of processes",
                "s",
                (("time() - signer_process_start_time_seconds{$I}", "{{process}}"),),
            ),
            Panel(
                "版本 · What runs",
                "none",
                (("signer_build_info{$I}", "{{version}} Python {{python}} {{openssl}}"),),
                "stat",
            ),
            Panel(
                "请求 · Calls by status",
                "reqps",
                (("sum by (status) (rate(signer_requests_total{$I}[$R]))", "{{status}}"),),
            ),
            Panel("请求 · Calls by RPC", "reqps", (("sum by (rpc) (rate(signer_requests_total{$I}[$R]))", "{{rpc}}"),)),
            Panel("耗时 · Time of a call (99 %)", "s", _quantiles("signer_request_seconds", "rpc")[1:]),
            Panel(
                "拒绝 · Refusals by reason",
                "reqps",
                (("sum by (reason) (rate(signer_refusals_total{$I}[$R])) > 0", "{{reason}}"),),
            ),
            Panel(
                "过载 · Refused for overload, by client",
                "reqps",
                (
                    (
                        "sum by (client, reason) (rate(signer_overload_refusals_total{$I}[$R])) > 0",
                        "{{client}} {{reason}}",
                    ),
                ),
            ),
            Panel("在途 · Calls under way", "none", (("sum by (rpc) (signer_requests_in_flight{$I})", "{{rpc}}"),)),
            Panel("排队 · Wait for a turn", "s", _quantiles("signer_admission_wait_seconds")),
            Panel(
                "错误预算 · Failed share of signing calls",
                "percentunit",
                (
                    ('signer:signing_failures:ratio_rate1h{job="signer"}', "1 h"),
                    ('signer:signing_failures:ratio_rate6h{job="signer"}', "6 h"),
                    ('signer:signing_failures:ratio_rate3d{job="signer"}', "3 d"),
                ),
            ),
            Panel(
                "证书 · Days until certificates expire",
                "d",
                (("(signer_certificate_expiry_timestamp_seconds{$I} - time()) / 86400", "{{use}}"),),
            ),
            Panel(
                "剩余空间 · Free space",
                "percentunit",
                (("signer_volume_free_bytes{$I} / signer_volume_size_bytes{$I}", "{{directory}}"),),
            ),
            Panel(
                "指标监听端 · Refused connections to the metrics listener",
                "reqps",
                (("sum by (reason) (rate(signer_metrics_connections_refused_total{$I}[$R])) > 0", "{{reason}}"),),
            ),
            Panel(
                "时钟 · Clock steps in an hour",
                "none",
                (("sum by (instance) (increase(signer_clock_steps_total{$I}[1h]))", "{{instance}}"),),
            ),
        ),
    ),
    "signing": (
        "签名与密码机 · Signing and HSM",
        (
            Panel(
                "签名 · Signatures released",
                "ops",
                (("sum by (purpose, algorithm) (rate(signer_signatures_total{$I}[$R]))", "{{purpose}} {{algorithm}}"),),
            ),
            Panel("全程 · Sign and verify own result", "s", _quantiles("signer_signature_seconds", "algorithm")),
            Panel("自验 · Verify own result", "s", _quantiles("signer_own_verification_seconds", "algorithm")),
            Panel(
                "错误签名 · Wrong signatures of the token (none released)",
                "none",
                (("sum by (algorithm) (signer_own_signatures_wrong_total{$I})", "{{algorithm}}"),),
                "stat",
            ),
            Panel(
                "探测 · Real signatures by result",
                "ops",
                (("sum by (result) (rate(signer_signing_probes_total{$I}[$R])) > 0", "{{result}}"),),
            ),
            Panel(
                "密码机 · Time of PKCS#11 operations (99 %)",
                "s",
                _quantiles("signer_hsm_call_seconds", "operation")[1:],
            ),
            Panel(
                "密码机 · PKCS#11 operations",
                "ops",
                (("sum by (operation) (rate(signer_hsm_call_seconds_count{$I}[$R]))", "{{operation}}"),),
            ),
            Panel(
                "密码机 · Errors by return value",
                "ops",
                (("sum by (operation, ckr) (rate(signer_hsm_errors_total{$I}[$R]))", "{{operation}} {{ckr}}"),),
            ),
            Panel(
                "会话 · Sessions",
                "none",
                (("signer_hsm_sessions_leased{$I}", "leased"), ("signer_hsm_sessions_limit{$I}", "limit")),
            ),
            Panel("会话 · Wait for a session", "s", _quantiles("signer_hsm_lease_wait_seconds")),
            Panel(
                "重连 · Reconnections in an hour",
                "none",
                (("sum by (instance) (increase(signer_hsm_reconnections_total{$I}[1h]))", "{{instance}}"),),
            ),
        ),
    ),
    "log": (
        "防篡改日志 · The log",
        (
            Panel("条目 · Entries", "ops", (("sum by (kind) (rate(signer_log_entries_total{$I}[$R]))", "{{kind}}"),)),
            Panel("落盘 · Time until an entry is durable", "s", _quantiles("signer_log_append_seconds")),
            Panel(
                "合并 · Entries for each flush",
                "none",
                ((_ENTRIES_FOR_EACH_FLUSH, "{{instance}}"),),
            ),
            Panel(
                "检查点 · Entries under the last checkpoint",
                "none",
                (("signer_log_checkpoint_size{$I}", "{{instance}}"),),
            ),
            Panel(
                "待签 · Entries under no checkpoint yet", "none", (("signer_log_unsigned_entries{$I}", "{{instance}}"),)
            ),
            Panel(
                "失败 · Failures",
                "ops",
                (
                    ("sum by (instance) (rate(signer_log_failures_total{$I}[$R]))", "append {{instance}}"),
                    (
                        "sum by (instance) (rate(signer_log_checkpoint_failures_total{$I}[$R]))",
                        "checkpoint {{instance}}",
                    ),
                ),
            ),
            Panel(
                "剩余空间 · Free space for the log",
                "bytes",
                (('signer_volume_free_bytes{$I,directory="log"}', "{{instance}}"),),
            ),
            Panel(
                "见证 · Age of the newest head that each witness cosigned",
                "s",
                (("max by (instance, witness) (signer_log_cosigned_age_seconds{$I})", "{{instance}} {{witness}}"),),
            ),
            Panel("流水文件 · Journal", "bytes", (("signer_log_journal_bytes{$I}", "{{instance}}"),)),
            Panel(
                "进程隔离 · What confines each process",
                "short",
                (("min by (process, measure) (signer_process_isolation{$I})", "{{process}} {{measure}}"),),
            ),
            Panel(
                "应急演练 · Days until each drill is due",
                "d",
                (("min by (instance, drill) (signer_drill_due_days{$I})", "{{instance}} {{drill}}"),),
            ),
            Panel(
                "上次演练 · When each drill last passed",
                "dateTimeAsIso",
                (
                    (
                        "max by (instance, drill) (signer_drill_last_success_timestamp_seconds{$I}) * 1000",
                        "{{instance}} {{drill}}",
                    ),
                ),
            ),
            Panel(
                "时钟不可信 · Why the clock is not believed",
                "short",
                (("max by (instance, trouble) (signer_clock_troubles{$I})", "{{instance}} {{trouble}}"),),
            ),
            Panel(
                "与时间源之差 · Seconds behind the sources",
                "s",
                (("max by (instance, source) (signer_clock_difference_seconds{$I})", "{{instance}} {{source}}"),),
            ),
        ),
    ),
    "documents": (
        "单证与验真 · Documents and verification",
        (
            Panel(
                "出单 · Documents released",
                "ops",
                (
                    (
                        "sum by (template, algorithm) (rate(signer_documents_total{$I}[$R]))",
                        "{{template}} {{algorithm}}",
                    ),
                ),
            ),
            Panel("出单 · Time to issue", "s", _quantiles("signer_document_seconds", "template")),
            Panel("版式 · Time to render", "s", _quantiles("signer_render_seconds", "template")),
            Panel(
                "版式 · Not rendered, by reason",
                "ops",
                (("sum by (reason) (rate(signer_render_failures_total{$I}[$R])) > 0", "{{reason}}"),),
            ),
            Panel(
                "排队 · Waiting or being worked on",
                "none",
                (("signer_renderer_queue{$I}", "renderers"), ("signer_inspector_queue{$I}", "inspector")),
            ),
            Panel(
                "验真 · Verifications of documents by answer",
                "ops",
                (('sum by (answer) (rate(signer_verifications_total{$I,kind="document"}[$R]))', "{{answer}}"),),
            ),
            Panel(
                "验签 · Verifications of signatures and messages",
                "ops",
                (
                    (
                        'sum by (kind, answer) (rate(signer_verifications_total{$I,kind=~"signature|message"}[$R]))',
                        "{{kind}} {{answer}}",
                    ),
                ),
            ),
            Panel("外来文件 · Time to inspect an upload", "s", _quantiles("signer_inspection_seconds")),
            Panel(
                "外来文件 · Inspections ended by a limit",
                "ops",
                (("sum by (limit) (rate(signer_inspection_limits_hit_total{$I}[$R]))", "{{limit}}"),),
            ),
            Panel(
                "验真报告 · Reports, signed or why not",
                "ops",
                (("sum by (result) (rate(signer_reports_total{$I}[$R]))", "{{result}}"),),
            ),
            Panel(
                "验真门户 · Uploads to the portal by outcome",
                "ops",
                (("sum by (outcome) (rate(signer_portal_uploads_total{$I}[$R])) > 0", "{{outcome}}"),),
            ),
            Panel("验真门户 · Time of an upload", "s", _quantiles("signer_portal_upload_seconds")),
            Panel("验真门户 · Uploads in memory", "bytes", (("signer_portal_upload_bytes{$I}", "{{instance}}"),)),
            Panel(
                "验真门户 · Connections refused or ended, by reason",
                "ops",
                (("sum by (reason) (rate(signer_portal_connections_refused_total{$I}[$R])) > 0", "{{reason}}"),),
            ),
        ),
    ),
    "public-listener": (
        "公网监听端 · Public listener",
        (
            Panel("连接 · Connections of verified peers", "none", (("signer_public_connections{$I}", "{{instance}}"),)),
            Panel(
                "握手 · Handshakes by result",
                "ops",
                (("sum by (result) (rate(signer_public_handshakes_total{$I}[$R])) > 0", "{{result}}"),),
            ),
            Panel(
                "结束 · Connections ended, by reason",
                "ops",
                (("sum by (reason) (rate(signer_public_connections_ended_total{$I}[$R]))", "{{reason}}"),),
            ),
            Panel(
                "流量 · Bytes",
                "Bps",
                (("sum by (direction) (rate(signer_public_bytes_total{$I}[$R]))", "{{direction}}"),),
            ),
            Panel(
                "证书 · Days until the listener's certificate expires",
                "d",
                (
                    (
                        '(signer_certificate_expiry_timestamp_seconds{$I,use="public-listener"} - time()) / 86400',
                        "{{instance}}",
                    ),
                ),
                "stat",
            ),
        ),
    ),
}
