"""What the processes of this configuration may write and connect to: the words of `isolation.process_table` as paths and ports.

Only for processes that read the configuration themselves; renderers, inspector and exporter are told their paths by the supervisor.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isolation.landlock import NO_TCP, TcpPorts
from isolation.process_table import PROCESSES
from isolation.sandbox import CAP_KILL, CAP_NET_BIND_SERVICE, CAP_SETGID, CAP_SETUID, SandboxReport, enter_sandbox
from isolation.seccomp import Calls
from signer.audit.cosigned_heads import COSIGNED
from signer.config import ApplianceConfig
from signer.errors import ConfigurationError, Reason

_log = logging.getLogger(__name__)
_NULL = Path("/dev/null")
_FIRST_UNPRIVILEGED_PORT = 1024


@dataclass(frozen=True)
class RunDirectory:
    """What lies in the run directory, beside sockets."""

    path: Path

    @property
    def metrics(self) -> Path:
        """prometheus_client's files."""
        return self.path / "metrics"

    @property
    def fonts(self) -> Path:
        """Links to the pinned fonts, and nothing else."""
        return self.path / "fonts"

    @property
    def rates(self) -> Path:
        """What was used of each rate."""
        return self.path / "rates"


def enter_worker_sandbox(config: ApplianceConfig) -> SandboxReport:
    """Irrevocably, before any thread. Raises ConfigurationError (START_FAILED)."""
    listener = config.listener
    # gRPC finds out whether there is IPv6 by binding port 0 of ::1.
    bind = (listener.port, 0) if ":" in listener.host else (listener.port,)
    remote = _database_directory(config) is None or config.timestamps.outside is not None
    return _enter(
        "worker",
        writable=_worker_paths(config),
        tcp=TcpPorts(bind, connect_anywhere=config.token.module.network or remote),
        keep=(CAP_NET_BIND_SERVICE,) if listener.port < _FIRST_UNPRIVILEGED_PORT else (),
        writable_code=config.token.module.writable_code,
    )


def enter_log_writer_sandbox(config: ApplianceConfig) -> SandboxReport:
    """Irrevocably, before any thread. Raises ConfigurationError (START_FAILED)."""
    network = config.log_token.module.network
    return _enter(
        "log-writer",
        writable=_log_writer_paths(config),
        tcp=TcpPorts(connect_anywhere=network),
        more=Calls.NETWORK if network else Calls.NONE,
        writable_code=config.log_token.module.writable_code,
    )


def enter_clock_sandbox(config: ApplianceConfig) -> SandboxReport:
    """Irrevocably, before any thread. Raises ConfigurationError (START_FAILED)."""
    return _enter("clock", writable=_clock_paths(config), tcp=NO_TCP)


def enter_revocation_sandbox(config: ApplianceConfig) -> SandboxReport:
    """Irrevocably, before any thread. Raises ConfigurationError (START_FAILED)."""
    return _enter("revocation", writable=_revocation_paths(config), tcp=TcpPorts(connect_anywhere=True))


def enter_supervisor_sandbox(config: ApplianceConfig) -> SandboxReport:
    """What its children write it may write, since it bequeaths its limits to them. Raises ConfigurationError (START_FAILED)."""
    keep = [CAP_SETUID, CAP_SETGID, CAP_KILL] if config.processes.users else []
    keep += [CAP_NET_BIND_SERVICE] if config.listener.port < _FIRST_UNPRIVILEGED_PORT else []
    return _enter(
        "supervisor",
        writable=[
            config.run_directory,
            *_worker_paths(config),
            *_log_writer_paths(config),
            *_clock_paths(config),
            *_revocation_paths(config),
        ],
        tcp=None,
        executable=_interpreter(),
        keep=keep,
    )


def check_log_apart(config: ApplianceConfig) -> None:
    """Only the log writer may write the log: what workers and the clock's watch write must not contain its directory.

    Raises:
        ConfigurationError: CONFIGURATION_INVALID in production; otherwise it is a warning in the server's log.
    """
    log = config.log.directory.resolve()
    for directory in (*_worker_directories(config), *_clock_directories(config)):
        if directory.resolve() == log or directory.resolve() in log.parents:
            told = f"other processes write {directory}, and the log's directory lies below it"
            if config.production:
                raise ConfigurationError(
                    Reason.CONFIGURATION_INVALID,
                    told,
                    "Give database, archive, clock and log directories of their own.",
                )
            _log.warning(told)


def _worker_directories(config: ApplianceConfig) -> list[Path]:
    """Of ours; they need not exist yet."""
    run = RunDirectory(config.run_directory)
    directories = [
        config.blobs.directory,
        run.metrics,
        run.rates,
        config.probes_directory,
        config.token.attempts_directory,
        config.log.directory / COSIGNED,  # what witnesses hand back; of the log itself nothing
    ]
    database = _database_directory(config)
    if database is not None:
        directories.append(database)
    if config.public is not None:
        directories.append(config.inner_directory.path)
    return directories


def _worker_paths(config: ApplianceConfig) -> list[Path]:
    paths = [_made(directory) for directory in _worker_directories(config)] + [*config.token.module.writable, _NULL]
    if config.grants.approval.required:
        version_file = config.grants.approval.version_file
        _made(version_file.parent)
        version_file.touch(mode=0o600)  # written in place: the file alone need be writable, not its folder
        paths.append(version_file)
    return paths


def _log_writer_paths(config: ApplianceConfig) -> list[Path]:
    token = config.log_token
    directories = [
        config.log.directory,
        config.log.head_file.parent,
        RunDirectory(config.run_directory).metrics,
        token.attempts_directory,
    ]
    return [_made(directory) for directory in directories] + [*token.module.writable, _NULL]


def _clock_directories(config: ApplianceConfig) -> list[Path]:
    files = (config.clock.published_file, config.clock.memory_file)
    return [*(file.parent for file in files), RunDirectory(config.run_directory).metrics]


def _clock_paths(config: ApplianceConfig) -> list[Path]:
    return [_made(directory) for directory in _clock_directories(config)]


def _revocation_paths(config: ApplianceConfig) -> list[Path]:
    return [_made(config.verification.cache)] if config.verification.hosts else []


def _database_directory(config: ApplianceConfig) -> Path | None:
    """Where SQLite's files lie; None for a database server."""
    file = config.database.sqlite_file
    return None if file is None else file.parent


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def _interpreter() -> list[Path]:
    """What starting a process of ours executes: the interpreter, and the dynamic loader that the kernel opens with it."""
    loaders = [path for folder in ("/lib64", "/lib") for path in Path(folder).glob("ld-linux*.so.*")]
    return [Path(sys.executable).resolve(), *(path.resolve() for path in loaders)]


def _enter(
    process: str,
    *,
    writable: Sequence[Path],
    tcp: TcpPorts | None,
    executable: Sequence[Path] = (),
    more: Calls = Calls.NONE,
    keep: Sequence[int] = (),
    writable_code: bool = False,
) -> SandboxReport:
    limits = PROCESSES[process].limits
    try:
        return enter_sandbox(
            readable=None,
            writable=sorted(set(writable)),
            executable=executable,
            tcp=tcp,
            limits=replace(limits, may=limits.may | more, writable_code=limits.writable_code or writable_code),
            keep_capabilities=keep,
        )
    except OSError as problem:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"{process} can't be confined ({problem.filename or problem.strerror})",
            "See docs/hardening.md for what each process needs.",
        ) from None
