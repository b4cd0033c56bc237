"""Where drills take place: a running copy, or the live appliance. How a token goes away and a disk fills up there, and back.

A full disk is rehearsed by the kernel's limit on the log writer's file size (prlimit): it needs no mount, no root, and is
taken back in one call. A development token is taken away by renaming its folder; a real one by whoever stands before it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import update

from signer.app.drill_copy import DrillCopy
from signer.app.evidence_surroundings import log_place
from signer.config import ApplianceConfig
from signer.database.engine import Database
from signer.database.tables import key_versions
from signer.evidence.drills.site import StepFailed
from signer.evidence.remote import RemoteAppliance
from signer.keys import KeyState
from signer.keys.record import parse_reference

_AUTOMATIC_PATIENCE_S = 15.0
_MANUAL_PATIENCE_S = 60.0  # after the operator has said that it is done
_RESTARTED_WITHIN_S = 60.0
_LOG_WRITER = "log-writer"
_COPY_ZH = (
    "副本：以本系统的配置、令牌文件、授权和数据库复制出的第二套系统，在临时目录和另外的端口上运行；"
    "日志另起一册，归档未复制；演练后删除。"
)
_FRESH_ZH = (
    "替代样机：真实密码机的密钥不能复制，故以开发令牌新建一套样机演练；"
    "只说明程序的行为，不说明本单位密码机的行为。演练后删除。"
)
_LIVE_ZH = "现网：正在提供服务的系统本身。"


class LiveSite:
    """A `Site` over the appliance that a configuration describes; must run on its machine, as its user."""

    kind = "live"

    def __init__(self, config: ApplianceConfig, remote: RemoteAppliance, ask: Callable[[str], None]) -> None:
        """`ask`: has the operator do something by hand; returns when it is done, raises EOFError where there is nobody to ask."""
        self.described_zh = _LIVE_ZH
        self.company = config.seal.company
        self.appliance = config.log.log_id
        self.remote = remote
        self.log = log_place(config)
        self._config = config
        self._ask = ask
        self._tokens = _token_files(config)
        self._away: Path | None = None
        self._limited: tuple[int, tuple[int, int]] | None = None  # the log writer's pid, its limits before

    @property
    def patience(self) -> float:
        """Seconds to wait until a token that was taken away is noticed."""
        return _AUTOMATIC_PATIENCE_S if self._tokens is not None else _MANUAL_PATIENCE_S

    def take_token_away(self) -> str:
        """See `Site`."""
        if self._tokens is None:
            self._have_done("请现在断开密码机（断电或拔网线）· disconnect the HSM now")
            return "操作人已断开密码机"
        away = self._tokens.with_name(self._tokens.name + ".away")
        self._tokens.rename(away)
        self._away = away
        return "令牌的文件已移走"

    def return_token(self) -> str:
        """See `Site`."""
        if self._tokens is None:
            self._have_done("请现在恢复密码机的连接 · connect the HSM again now")
            return "操作人已恢复密码机"
        self._bring_back()
        return "令牌的文件已放回"

    def _have_done(self, what: str) -> None:
        try:
            self._ask(what)
        except EOFError:
            raise StepFailed("没有操作人应答：真实密码机要由操作人断开和恢复") from None

    def _bring_back(self) -> None:
        if self._away is not None and self._tokens is not None:
            self._away.rename(self._tokens)
            self._away = None

    def fill_log_disk(self) -> str:
        """See `Site`."""
        pid = self._processes()[_LOG_WRITER]
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        self._limited = (pid, before)
        while True:
            size = self._config.log.file.stat().st_size
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
            # The writer may have written ahead meanwhile: what it has allocated must stay within the limit.
            if self._config.log.file.stat().st_size == size:
                return f"日志文件限制在 {size} 字节"

    def free_log_disk(self) -> str:
        """See `Site`."""
        self._lift_limit()
        return "限制已解除"

    def _lift_limit(self) -> None:
        if self._limited is not None:
            pid, before = self._limited
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            self._limited = None

    def register_compromise(self, key: str) -> str:
        """Never on the live system: a key's state does not go back."""
        raise StepFailed(f"不在现网登记 {key}：密钥状态不可逆")

    def restore(self) -> None:
        """See `Site`."""
        with suppress(OSError):
            self._bring_back()
        with suppress(OSError):
            self._lift_limit()

    def _processes(self) -> dict[str, int]:
        state = json.loads((self._config.run_directory / "children.json").read_text(encoding="utf-8"))
        return {name: child["pid"] for name, child in state["children"].items()}


class CopySite(LiveSite):
    """The same over a copy, where a key may be registered as compromised, too."""

    kind = "copy"

    def __init__(self, copy: DrillCopy, remote: RemoteAppliance, appliance: str) -> None:
        """`appliance`: the live one's log's name."""
        super().__init__(copy.config, remote, lambda _: None)
        self.appliance = appliance
        self.described_zh = _FRESH_ZH if copy.is_fresh else _COPY_ZH
        self._copy = copy

    def register_compromise(self, key: str) -> str:
        """See `Site`. Straight into the copy's database: administrators' acts on keys don't exist yet."""
        name, number = parse_reference(key)
        database = Database.from_config(self._copy.config.database)
        try:
            with database.transaction(write=True) as connection:
                changed = connection.execute(
                    update(key_versions)
                    .where(key_versions.c.name == name, key_versions.c.version == number)
                    .values(state=KeyState.COMPROMISED.value)
                )
        finally:
            database.close()
        if changed.rowcount != 1:
            raise StepFailed(f"副本中没有 {key}")
        self._restart_workers()
        return f"{key} 登记为 {KeyState.COMPROMISED.value}，{len(self._copy.config.worker_names)} 个工作进程已重启"

    def _restart_workers(self) -> None:
        """One after the other, each drained; the supervisor starts its successor."""
        for name in self._copy.config.worker_names:
            old, _ = self._copy.processes()[name]
            os.kill(old, signal.SIGTERM)
            until = time.monotonic() + _RESTARTED_WITHIN_S
            while not self._has_successor(name, old):
                if time.monotonic() > until:
                    raise StepFailed(f"{name} 没有重启")
                time.sleep(0.1)

    def _has_successor(self, name: str, old: int) -> bool:
        pid, ready = self._copy.processes()[name]
        return pid != old and ready


def _token_files(config: ApplianceConfig) -> Path | None:
    """The folder of a development token's files below the configuration's own; None for anything else."""
    folder = config.file.parent / "token" / "tokens"
    return folder if config.token.profile in {"softtoken", "softhsm"} and folder.is_dir() else None
