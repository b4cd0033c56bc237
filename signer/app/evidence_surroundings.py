"""From the configuration to what probes may look at (`signer.evidence.surroundings`). Joins the rooms, looks at nothing itself."""

from __future__ import annotations

import urllib.request
from collections import defaultdict
from pathlib import Path

from hsm.token_information import describe_token
from policy_render.catalog import Catalog
from signer.algorithms import sm3
from signer.app.composition import existing_names
from signer.app.grants_loading import inspect_grants
from signer.audit.checkpoint import load_note_key
from signer.authz.grant import Grant
from signer.client import ClientProfile
from signer.config import ApplianceConfig
from signer.database.engine import Database
from signer.evidence.remote import RemoteAppliance
from signer.evidence.surroundings import (
    ClientFiles,
    GrantsSummary,
    GrantSummary,
    ListenerFacts,
    LogPlace,
    Surroundings,
)
from signer.keys.registry import load_registry

_LOCK_FILE = Path(__file__).resolve().parents[2] / "requirements.lock"
_METRICS_TIMEOUT_S = 10


def surroundings_of(
    config: ApplianceConfig,
    profile: ClientProfile,
    remote: RemoteAppliance,
    *,
    previous_checkpoint: str | None,
    test_results: Path | None,
) -> Surroundings:
    """What probes look at in this appliance, in the name of this client."""
    return Surroundings(
        production=config.production,
        company=config.seal.company,
        listeners=_listeners(config),
        client_files=ClientFiles(profile.authority, profile.certificate, profile.key, profile.server_name),
        read_grants=lambda: _grants(config),
        log=log_place(config),
        previous_checkpoint=previous_checkpoint,
        open_database=lambda: Database.from_config(config.database),
        blobs_directory=config.blobs.directory,
        read_token=lambda: describe_token(config.token.module, config.token.label),
        read_log_token=lambda: describe_token(config.log_token.module, config.log_token.label),
        state_file=config.run_directory / "children.json",
        configuration_files=(config.file, config.grants.file),
        lock_file=_LOCK_FILE,
        remote=remote,
        metrics_page=lambda: _metrics_page(config),
        drills_directory=config.drills_directory,
        clock=config.clock,
        test_results=test_results,
    )


def log_place(config: ApplianceConfig) -> LogPlace:
    """Where the appliance's log lies."""
    log = config.log
    return LogPlace(log.log_id, log.directory, lambda: load_note_key(log.public_key_file, log.log_id))


def _listeners(config: ApplianceConfig) -> list[ListenerFacts]:
    lan = config.listener
    found = [ListenerFacts("lan", lan.transport, lan.host, lan.port, (("workers", str(lan.workers)),))]
    if config.public is not None:
        public = config.public
        settings = (
            ("suites", "TLS_SM4_GCM_SM3" + (", TLS_SM4_CCM_SM3" if public.ccm else "")),
            ("groups", "curveSM2" + (", curveSM2MLKEM768" if public.hybrid else "")),
            ("revocation", "crl" if public.files.crl_directory else "none"),
            ("max-connections", str(public.limits.connections)),
            ("max-connection-seconds", f"{public.limits.connection_seconds:g}"),
        )
        found.append(ListenerFacts("public", "sm-tls", public.host, public.port, settings))
    if config.portal is not None:
        found.append(ListenerFacts("portal", config.portal.transport, config.portal.host, config.portal.port))
    found.append(ListenerFacts("monitoring", "http", config.monitoring.host, config.monitoring.port))
    return found


def _grants(config: ApplianceConfig) -> GrantsSummary:
    """Counts and digests. Raises ConfigurationError, ApplianceError."""
    database = Database.from_config(config.database)
    try:
        existing = existing_names(load_registry(database), Catalog.load())
    finally:
        database.close()
    loaded = inspect_grants(config.grants, existing)
    by_client: dict[str, list[Grant]] = defaultdict(list)
    for grant in loaded.content.grants:
        by_client[grant.client].append(grant)
    return GrantsSummary(
        version=loaded.content.version,
        grants=len(loaded.content.grants),
        quotas=len(loaded.content.quotas),
        required=config.grants.approval.required,
        approved=len(loaded.approval.approvers) if loaded.approval else 0,
        clients=tuple(_client(name, grants) for name, grants in sorted(by_client.items())),
    )


def _client(name: str, grants: list[Grant]) -> GrantSummary:
    return GrantSummary(
        client=name,
        rpcs=len({rpc for grant in grants for rpc in grant.rpcs}),
        keys=tuple(sorted({key for grant in grants for key in grant.keys})),
        templates=len({template for grant in grants for template in grant.templates | grant.document_classes}),
        digest_signing=any(grant.digest_signing for grant in grants),
        digest=sm3.digest("\n".join(sorted(_text(grant) for grant in grants)).encode()).hex(),
    )


def _text(grant: Grant) -> str:
    """All that a grant says, in an order of its own: the same grant has the same text wherever it stands in the file."""
    sets = (grant.rpcs, grant.keys, grant.templates, grant.document_classes, grant.profiles)
    return repr(
        (
            *(sorted(names) for names in sets),
            sorted(str(network) for network in grant.networks),
            grant.digest_signing,
            str(grant.rate),
            str(grant.until),
        )
    )


def _metrics_page(config: ApplianceConfig) -> str:
    """Raises OSError."""
    url = f"http://{config.monitoring.host}:{config.monitoring.port}/metrics"
    with urllib.request.urlopen(url, timeout=_METRICS_TIMEOUT_S) as answer:
        page: bytes = answer.read()
    return page.decode("utf-8", "replace")
