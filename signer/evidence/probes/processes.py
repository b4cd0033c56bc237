"""The appliance's processes as the kernel shows them: who runs, and how those that touch hostile bytes are confined.

From /proc, so it needs the machine itself. Not for judging systemd units or containers around them.
"""

from __future__ import annotations

import json
from pathlib import Path

from signer.evidence.fact import Fact, FactKind, Observation, Probe, judged
from signer.evidence.surroundings import Surroundings

_PROC = Path("/proc")
_SHOWN = ("NoNewPrivs", "Seccomp", "CapEff", "Uid")
_SECCOMP_FILTER = "2"
_NO_CAPABILITIES = 0


def _running(surroundings: Surroundings) -> Observation:
    children = _children(surroundings)
    ready = [name for name, child in children.items() if child["ready"] and (_PROC / str(child["pid"])).is_dir()]
    missing = sorted(set(children) - set(ready))
    facts = [
        Fact("processes", "进程", "、".join(sorted(children)), FactKind.SETTING),
        Fact("not-ready", "未就绪", "、".join(missing) or "无"),
    ]
    return judged(
        bool(children) and not missing,
        (f"{len(ready)} 个进程全部就绪。", "有进程未就绪。"),
        (f"All {len(ready)} processes are ready.", "A process is not ready."),
        facts,
    )


def _isolation(surroundings: Surroundings) -> Observation:
    facts, open_ones = [], []
    for name, child in sorted(_children(surroundings).items()):
        status = _status(int(child["pid"]))
        text = "，".join(f"{key} {status[key]}" for key in _SHOWN)
        facts.append(Fact(f"process.{name}", f"进程 {name}", text, FactKind.SETTING))
        if not _is_confined(status):
            open_ones.append(name)
    return judged(
        not open_ones,
        ("各进程均不能提权、系统调用受过滤、没有任何特权。", f"进程未受限制：{'、'.join(open_ones)}。"),
        ("No process can gain privileges; all are filtered and hold none.", "A process is not confined."),
        facts,
    )


def _privileges(surroundings: Surroundings) -> Observation:
    children = {name: _status(int(child["pid"])) for name, child in sorted(_children(surroundings).items())}
    as_root = [name for name, status in children.items() if status["Uid"] == "0"]
    privileged = [name for name, status in children.items() if int(status["CapEff"], 16) != _NO_CAPABILITIES]
    facts = [
        Fact("as-root", "以 root 运行", "、".join(as_root) or "无", FactKind.SETTING),
        Fact("with-capabilities", "持有特权", "、".join(privileged) or "无", FactKind.SETTING),
    ]
    return judged(
        bool(children) and not as_root and not privileged,
        ("没有进程以 root 运行或持有特权。", "有进程以 root 运行或持有特权：应以专用账户运行。"),
        ("No process runs as root or holds a capability.", "A process runs as root or holds capabilities."),
        facts,
    )


def _is_confined(status: dict[str, str]) -> bool:
    return (
        status["NoNewPrivs"] == "1"
        and status["Seccomp"] == _SECCOMP_FILTER
        and int(status["CapEff"], 16) == _NO_CAPABILITIES
    )


def _status(pid: int) -> dict[str, str]:
    """/proc/PID/status, the first word of each line that is shown. Raises OSError where the process is gone."""
    lines = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace").splitlines()
    values = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.split()}
    return {name: values.get(name, "?") for name in _SHOWN}


def _children(surroundings: Surroundings) -> dict[str, dict[str, int]]:
    """What the supervisor wrote. Raises OSError, ValueError, KeyError where it isn't there or is something else."""
    children: dict[str, dict[str, int]] = json.loads(surroundings.state_file.read_text(encoding="utf-8"))["children"]
    return children


PROBES = (
    Probe("processes-running", "进程状态", "Processes run", _running),
    Probe("process-isolation", "进程隔离", "Processes are confined", _isolation),
    Probe("process-privileges", "进程权限", "Processes hold no privileges", _privileges),
)
