"""What is watched: the metrics page, entries that wait for a checkpoint, the clock's sources, drills that are due."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from signer.clock.published import read_verdict
from signer.evidence.drills.calendar import calendar
from signer.evidence.drills.plan import load_plans
from signer.evidence.fact import Fact, FactKind, Observation, Probe, judged, unknown
from signer.evidence.surroundings import Surroundings

_COUNTED = (
    ("signer_signatures_total", "放出的签名"),
    ("signer_documents_total", "签发的文档"),
    ("signer_verifications_total", "答复的验真"),
    ("signer_refusals_total", "拒绝"),
    ("signer_log_failures_total", "日志写入失败"),
    ("signer_hsm_errors_total", "令牌错误"),
    ("signer_public_handshakes_total", "公网握手"),
    ("signer_clock_steps_total", "时钟跳变"),
)


def _page(surroundings: Surroundings) -> dict[str, float]:
    """Sums over all labels, by sample name."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(surroundings.metrics_page()):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def _metrics(surroundings: Surroundings) -> Observation:
    page = _page(surroundings)
    facts = [Fact("samples", "指标数", str(len(page)), FactKind.COUNT)]
    facts += [Fact(name, title, f"{page[name]:.0f}", FactKind.COUNT) for name, title in _COUNTED if name in page]
    return judged(
        "signer_build_info" in page,
        ("指标页可读。", "指标页没有本系统的指标。"),
        ("The metrics page is readable.", "The page has none of our metrics."),
        facts,
    )


def _unsigned(surroundings: Surroundings) -> Observation:
    page = _page(surroundings)
    if "signer_log_unsigned_entries" not in page:
        return unknown("指标页没有日志的指标。", "The page has no metric of the log.")
    waiting = page["signer_log_unsigned_entries"]
    failures = page.get("signer_log_checkpoint_failures_total", 0.0)
    facts = [
        Fact("unsigned", "等待树头的记录", f"{waiting:.0f}", FactKind.COUNT),
        Fact("checkpoint-failures", "树头签名失败次数", f"{failures:.0f}", FactKind.COUNT),
    ]
    return judged(
        waiting < 100_000,  # minutes behind at full load: the checkpoint key is away
        ("树头紧跟日志。", "大量记录没有被树头覆盖。"),
        ("Checkpoints are close behind.", "Many entries wait for a checkpoint."),
        facts,
    )


def _time_source(surroundings: Surroundings) -> Observation:
    """What the appliance itself compares its clock with, and whether it believes it: without that nothing is signed."""
    verdict = read_verdict(surroundings.clock.published_file)
    facts = [
        Fact("sources", "配置的时间源", ", ".join(surroundings.clock.sources) or "无", FactKind.SETTING),
        Fact("max-difference", "允许偏差（秒）", f"{surroundings.clock.max_difference:g}", FactKind.SETTING),
    ]
    if verdict is None:
        return unknown("时钟监视进程没有结论。", "The clock's watch has published nothing.", facts)
    facts += [Fact(f"said.{name}", f"时间源 {name}", said) for name, said in sorted(verdict.sources.items())]
    facts.append(Fact("troubles", "时钟问题", ", ".join(verdict.troubles) or "无"))
    return judged(
        bool(surroundings.clock.sources) and not verdict.troubles,
        ("时钟与配置的时间源一致。", "没有配置时间源，或时钟不可信。"),
        ("The clock agrees with the configured sources.", "No source is configured, or the clock is not believed."),
        facts,
    )


def _drills(surroundings: Surroundings) -> Observation:
    now = datetime.now(UTC)
    rows = calendar(load_plans(), surroundings.drills_directory, now)
    facts = []
    for row in rows:
        last = row.last_success.astimezone(UTC).strftime("%Y-%m-%d") if row.last_success else "从未"
        facts.append(
            Fact(f"drill.{row.plan.name}", f"演练 {row.plan.title_zh}", f"最近成功 {last}，{row.due_days} 天后到期")
        )
    return judged(
        all(row.last_success is not None and row.due_days >= 0 for row in rows),
        ("各项演练都在一年内成功过。", "有演练从未成功或已逾期。"),
        ("Every drill succeeded within the year.", "A drill never succeeded or is overdue."),
        facts,
    )


PROBES = (
    Probe("metrics", "监控指标", "Metrics", _metrics),
    Probe("log-unsigned", "树头时效", "Checkpoints keep up", _unsigned),
    Probe("time-source", "时间源", "Time sources", _time_source),
    Probe("drills", "应急演练", "Emergency drills", _drills),
)
