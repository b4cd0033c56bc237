"""signer.toml → ApplianceConfig. Every field is documented beside its reader; unknown keys are fatal, with file and line.

Not for building components: `signer.app` does that from these values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hsm.token_config import TokenConfig
from policy_render.renderer_config import RendererConfig
from signer.archive.blobs import BlobDirectoryConfig
from signer.audit.log_client import LogConfig
from signer.certificates import TrustStoreConfig
from signer.clock import ClockConfig
from signer.config.clock import read_clock
from signer.config.grants import GrantsConfig, read_grants_config
from signer.config.lan_listener import read_lan_listener
from signer.config.log import read_log_config
from signer.config.monitoring import MonitoringConfig, read_monitoring
from signer.config.portal import moved, read_portal
from signer.config.processes import ProcessesConfig, read_processes
from signer.config.public_listener import read_public_listener
from signer.config.seal import read_seal, read_timestamps
from signer.config.token import read_token
from signer.config.verification import read_verification
from signer.database.database_config import DatabaseConfig
from signer.documents.report_config import ReportsConfig
from signer.documents.seal_config import SealConfig
from signer.documents.timestamps_config import TimestampsConfig
from signer.documents.verification_config import VerificationConfig
from signer.pades.inspector import InspectorConfig
from signer.strict_toml import StrictTable, read_toml
from signer.transport.listener_config import ListenerConfig
from signer.transport.smtls.inner import InnerDirectory
from signer.transport.smtls.listener_config import PublicListenerConfig
from signer.web.portal_config import PortalConfig


@dataclass(frozen=True)
class ApplianceConfig:
    """The whole file. `production`: refuses development tokens and turns reflection off. `public`, `portal` None: no such listener."""

    file: Path
    production: bool
    run_directory: Path
    grants: GrantsConfig
    keyed_digest_file: Path
    clock: ClockConfig
    drills_directory: Path
    listener: ListenerConfig
    public: PublicListenerConfig | None
    portal: PortalConfig | None
    monitoring: MonitoringConfig
    token: TokenConfig
    database: DatabaseConfig
    blobs: BlobDirectoryConfig
    log: LogConfig
    log_token: TokenConfig
    trust: TrustStoreConfig
    renderer: RendererConfig
    renderers: int
    inspector: InspectorConfig
    verification: VerificationConfig
    seal: SealConfig
    timestamps: TimestampsConfig
    reports: ReportsConfig
    processes: ProcessesConfig

    @property
    def worker_names(self) -> tuple[str, ...]:
        """One for each worker process."""
        return tuple(f"worker-{number}" for number in range(self.listener.workers))

    @property
    def probes_directory(self) -> Path:
        """Where workers say whether their last real signature worked, and the exporter reads it."""
        return self.run_directory / "probes"

    @property
    def inner_directory(self) -> InnerDirectory:
        """Where the front and the workers meet."""
        return InnerDirectory(self.run_directory / "inner")


def load_config(file: Path, *, port_base: int | None = None) -> ApplianceConfig:
    """Reads a configuration file. `port_base` moves all listeners together: it becomes the LAN listener's port.

    Raises:
        ConfigurationError: CONFIGURATION_INVALID, with file, line and what is allowed.
    """
    top = read_toml(file)
    mode = top.string("mode", one_of=("development", "production"))
    run_directory = top.path("run_directory", "run")
    listener = read_lan_listener(top.table("listener").table("lan"))
    public = None
    if top.has("public_listener"):
        public = read_public_listener(top.table("public_listener"), production=mode == "production")
    grants = read_grants_config(top.table("grants", required=False), production=mode == "production")
    timestamps = read_timestamps(top.table("timestamps", required=False), production=mode == "production")
    seal = read_seal(top.table("seal"), timestamps, production=mode == "production")
    portal = read_portal(top.table("portal"), seal.company) if top.has("portal") else None
    monitoring = read_monitoring(top.table("monitoring"))
    if port_base is not None:
        shift = port_base - listener.port
        listener = replace(listener, port=listener.port + shift)
        public = public and replace(public, port=public.port + shift)
        portal = portal and moved(portal, shift)
        monitoring = replace(monitoring, port=monitoring.port + shift)
    renderer, renderers = _read_renderer(top.table("renderer", required=False), run_directory)
    log = read_log_config(top.table("log"), run_directory)
    config = ApplianceConfig(
        file=file.resolve(),
        production=mode == "production",
        run_directory=run_directory,
        grants=grants,
        keyed_digest_file=top.path("keyed_digest", "state/keyed-digest.key"),
        clock=read_clock(top.table("clock", required=False), run_directory, production=mode == "production"),
        drills_directory=top.path("drills_directory", "state/drills"),
        listener=listener,
        public=public,
        portal=portal,
        monitoring=monitoring,
        token=read_token(top.table("token")),
        database=_read_database(top.table("database", required=False)),
        blobs=_read_archive(top.table("archive", required=False)),
        **log,
        trust=_read_trust(top.table("trust", required=False)),
        renderer=renderer,
        renderers=renderers,
        inspector=_read_inspector(top.table("inspector", required=False), run_directory),
        verification=read_verification(top.table("verification", required=False), run_directory),
        seal=seal,
        timestamps=timestamps,
        reports=_read_reports(top.table("reports", required=False), log["log"].log_id),
        processes=read_processes(top.table("processes", required=False)),
    )
    top.finish()
    return config


def _read_database(table: StrictTable) -> DatabaseConfig:
    # A relative SQLite file counts from the configuration's folder, as every other path does.
    url = table.string("url", "sqlite:///state/database/signer.db")
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        url = f"sqlite:///{table.folder / url.removeprefix('sqlite:///')}"
    table.finish()
    return DatabaseConfig(url)


def _read_archive(table: StrictTable) -> BlobDirectoryConfig:
    config = BlobDirectoryConfig(table.path("directory", "state/archive"))
    table.finish()
    return config


def _read_trust(table: StrictTable) -> TrustStoreConfig:
    config = TrustStoreConfig(table.path("directory", "trust"))
    table.finish()
    return config


def _read_renderer(table: StrictTable, run_directory: Path) -> tuple[RendererConfig, int]:
    config = RendererConfig(
        socket=run_directory / "renderer.sock",
        verification_url=table.string("verification_url", "https://verify.example.cn/v"),
    )
    processes = table.integer("processes", 2, low=1, high=256)
    table.finish()
    return config, processes


def _read_inspector(table: StrictTable, run_directory: Path) -> InspectorConfig:
    config = InspectorConfig(
        socket=run_directory / "inspector.sock", timeout=table.integer("timeout_seconds", 30, low=1, high=300)
    )
    table.finish()
    return config


def _read_reports(table: StrictTable, appliance: str) -> ReportsConfig:
    # The key signs reports on verified documents (purpose "report"); without the table they are unsigned.
    config = ReportsConfig(table.string("key", ""), appliance)
    table.finish()
    return config
