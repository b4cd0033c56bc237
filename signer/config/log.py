"""[log] of signer.toml: where the log lies, its key's token, witnesses, the timestamp authority. Not for the log itself: `signer.audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from signer.audit.bundle_archive import LEAST_MONTHS
from signer.audit.log_client import LogConfig, TimestampConfig, WitnessConfig
from signer.config.token import read_token
from signer.strict_toml import StrictTable

_MEBIBYTE = 1024 * 1024


def read_log_config(table: StrictTable, run_directory: Path) -> dict[str, Any]:
    """`log` and `log_token`, a token (partition) of its own: only the log writer logs in there.

    Raises:
        ConfigurationError: as `load_config`.
    """
    log = LogConfig(
        directory=table.path("directory", "state/log"),
        socket=run_directory / "log.sock",
        log_id=table.string("id"),
        public_key_file=table.path("public_key", "log.pem"),
        head_file=table.path("head_file", "state/log-head/latest"),
        known_checkpoints=tuple((table.folder / file).resolve() for file in table.strings("known_checkpoints", ())),
        journal_limit=table.integer("journal_mebibytes", 16, low=1, high=1024) * _MEBIBYTE,
        online_months=table.integer("online_months", LEAST_MONTHS, low=LEAST_MONTHS, high=1200),
        witnesses=_read_witnesses(table),
        timestamp=_read_timestamp(table.table("timestamp")) if table.has("timestamp") else None,
    )
    if log.head_file.is_relative_to(log.directory):
        raise table.fault("head_file", "lies in the log's own directory", "An older copy of that would hide itself.")
    token = read_token(table.table("token"))
    table.finish()
    return {"log": log, "log_token": token}


def _read_witnesses(table: StrictTable) -> tuple[WitnessConfig, ...]:
    witnesses: list[WitnessConfig] = []
    for item in table.tables("witness"):
        config = WitnessConfig(item.string("name"), item.path("public_key"))
        item.finish()
        if config.name in {known.name for known in witnesses}:
            raise item.fault("name", f"{config.name!r} stands here twice")
        witnesses.append(config)
    return tuple(witnesses)


def _read_timestamp(table: StrictTable) -> TimestampConfig:
    url = table.string("url")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise table.fault("url", f"{url!r} must begin with http:// or https://")
    authority = table.path("tls_authority") if table.has("tls_authority") else None
    config = TimestampConfig(url, table.path("anchors"), authority)
    table.finish()
    return config
