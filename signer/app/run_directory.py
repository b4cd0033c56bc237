"""Prepares the run directory before any process starts: empty of a former run, and open to whom it must be.

Modes: nobody but us, unless processes have users of their own; then each finds what it needs and nothing more. Sockets are guarded by
the directories that they lie in.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from isolation.sandbox import CAP_KILL, CAP_SETGID, CAP_SETUID, has_capability
from policy_render.fonts import pinned_fonts
from signer.app.process_reach import RunDirectory
from signer.config import ApplianceConfig
from signer.errors import ConfigurationError, Reason

_OURS = 0o700
_PASSED_THROUGH = 0o711  # by name only: others can't list it
_READ_BY_ALL = 0o755
_READ_BY_GROUP = 0o750
_WRITTEN_BY_GROUP = 0o1770  # sticky: nobody removes another's files


def prepare_run_directory(config: ApplianceConfig) -> RunDirectory:
    """Makes what the processes meet in. Files made from here on are not others' to read.

    Raises:
        ConfigurationError: START_FAILED, when users are configured that don't exist or that we may not start processes as.
    """
    users = config.processes.users
    _check_users_exist(users.values())
    if users and not all(has_capability(number) for number in (CAP_SETUID, CAP_SETGID, CAP_KILL)):
        raise ConfigurationError(
            Reason.START_FAILED,
            "[processes] names users, and this start may not change to them",
            "Start by deploy/systemd/signer.service (it gives CAP_SETUID, CAP_SETGID and CAP_KILL), or leave [processes] out.",
        )
    os.umask(0o027 if users else os.umask(0o077) | 0o027)
    run = RunDirectory(config.run_directory)
    run.path.mkdir(parents=True, exist_ok=True, mode=_OURS)
    run.path.chmod(_PASSED_THROUGH if users else _OURS)
    shutil.rmtree(run.metrics, ignore_errors=True)  # counters begin anew with the appliance
    run.metrics.mkdir(mode=_OURS)
    run.metrics.chmod(_WRITTEN_BY_GROUP if users else _OURS)
    shutil.rmtree(config.probes_directory, ignore_errors=True)  # a record of the last run must not make this one ready
    config.probes_directory.mkdir(mode=_OURS)
    config.probes_directory.chmod(_READ_BY_GROUP if users else _OURS)
    config.clock.published_file.parent.mkdir(exist_ok=True, mode=_OURS)
    run.rates.mkdir(exist_ok=True, mode=_OURS)
    _link_fonts(run.fonts, _READ_BY_ALL if "renderer" in users else _OURS)
    if config.public is not None:
        config.inner_directory.make(config.worker_names)
        if "front" in users:
            _share_with_front(config.inner_directory.path, users["front"])
    return run


def _check_users_exist(users: Iterable[str]) -> None:
    for user in users:
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise ConfigurationError(
                Reason.START_FAILED,
                f"[processes]: there is no user {user!r}",
                "Install deploy/systemd/signer.sysusers.",
            ) from None


def _link_fonts(directory: Path, mode: int) -> None:
    """Renderers check the files; a link to one that is missing is told by them."""
    directory.mkdir(exist_ok=True, mode=_OURS)
    for font in pinned_fonts():
        with suppress(FileExistsError):
            (directory / font.path.name).symlink_to(font.path)
    directory.chmod(mode)


def _share_with_front(directory: Path, user: str) -> None:
    try:
        os.chown(directory, -1, pwd.getpwnam(user).pw_gid)
        directory.chmod(0o770)
    except PermissionError:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"{directory}: can't be given to the group of {user}",
            f"Make the user that starts the appliance a member of that group (deploy/systemd/signer.sysusers does): {user}.",
        ) from None
