"""What the log writer itself sees of the appliance and records: processes that came and went, configuration and certificates that changed.

Asked once a second. It reads names and digests of files, nothing else: the front, which has no way to the log, is on record all the
same. Not for deciding whether a file is good: who uses it does that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from signer.algorithms import sm3
from signer.audit import LogEntry
from signer.config import ApplianceConfig

_ABSENT = "absent"


class ProcessWatch:
    """Children that the supervisor says are ready, by run/children.json."""

    def __init__(self, state_file: Path) -> None:
        self._state_file = state_file
        self._ready: dict[str, int] = {}

    def entries(self) -> list[bytes]:
        """An entry "process" for each one that became ready, or that was and is no more; none before there is a state."""
        try:
            children = json.loads(self._state_file.read_text(encoding="utf-8"))["children"]
        except (OSError, ValueError, KeyError):
            return []
        now = {name: child["pid"] for name, child in children.items() if child["ready"]}
        ended = [name for name, pid in self._ready.items() if now.get(name) != pid]
        started = [name for name, pid in now.items() if self._ready.get(name) != pid]
        self._ready = now
        details = [f"{name} ended" for name in ended] + [f"{name} started" for name in started]
        return [LogEntry("process", detail=detail).encode() for detail in details]


class FileWatch:
    """Files whose content is on record by its SM3."""

    def __init__(self, names: Callable[[], Iterable[tuple[str, Path]]]) -> None:
        """`names`: what the files are called in entries, and where they are; asked anew each time."""
        self._names = names
        self._seen: dict[str, tuple[object, str]] = {}

    def digests(self) -> dict[str, str]:
        """All files with their digests now."""
        found: dict[str, tuple[object, str]] = {}
        for name, file in self._names():
            stamp = _stamp(file)
            known = self._seen.get(name)
            found[name] = known if known is not None and known[0] == stamp else (stamp, _digest(file))
        self._seen = found
        return {name: digest for name, (_, digest) in found.items()}

    def entries(self) -> list[bytes]:
        """An entry "configuration" where any content changed since the last look."""
        before = {name: digest for name, (_, digest) in self._seen.items()}
        now = self.digests()
        changed = [
            f"{name} {now.get(name, _ABSENT)}" for name in sorted(before | now) if before.get(name) != now.get(name)
        ]
        return [LogEntry("configuration", detail="changed: " + ", ".join(changed)).encode()] if changed else []


def watched_files(config: ApplianceConfig) -> list[tuple[str, Path]]:
    """Configuration, grants, the listeners' certificates and revocation lists. Keys are not read."""
    files = [(file.name, file) for file in (config.file, config.grants.file)]
    if config.listener.tls is not None:
        tls = config.listener.tls
        files += [("lan certificate", tls.certificate), ("lan client authority", tls.client_authority)]
    if config.public is not None:
        public = config.public.files
        files += [("public certificate", public.certificate), ("public client authority", public.client_authority)]
        if public.crl_directory is not None:
            files += [(f"public crl {file.name}", file) for file in _members(public.crl_directory)]
    if config.portal is not None and config.portal.tls is not None:
        files.append(("portal certificate", config.portal.tls.certificate))
    return files


def configuration_entry(config: ApplianceConfig, digests: dict[str, str]) -> bytes:
    """What the appliance starts with: a changed configuration shows as another digest."""
    listeners = [
        f"lan {config.listener.transport} {config.listener.address}",
        f"metrics {config.monitoring.transport} {config.monitoring.address}",
    ]
    if config.portal is not None:
        listeners.append(f"portal {config.portal.transport} {config.portal.address}")
    return LogEntry("configuration", detail=", ".join([*listeners, *(f"{k} {v}" for k, v in digests.items())])).encode()


def _members(directory: Path) -> Sequence[Path]:
    try:
        return sorted(file for file in directory.iterdir() if file.is_file())
    except OSError:
        return []


def _stamp(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _digest(file: Path) -> str:
    try:
        return sm3.digest(file.read_bytes()).hex()
    except FileNotFoundError:
        return _ABSENT
    except OSError:
        return "can't be read"
