"""What `signer serve` starts, in which order: log writer; clock, renderers and inspector; workers and front; portal;
exporter."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path

from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log
from signer.app.child_process import ChildSpec, listen_on, listen_on_port
from signer.app.process_reach import RunDirectory, check_log_apart, enter_supervisor_sandbox
from signer.app.processors import shares
from signer.app.run_directory import prepare_run_directory
from signer.app.supervisor import Supervisor, check_port_free
from signer.config import ApplianceConfig, load_config

_log = logging.getLogger(__name__)
# Processes that open documents or render them must not even know where the token is.
_TOKEN_ENVIRONMENT = ("SOFTHSM2_CONF", "SIGNER_PKCS11_MODULE", "SOFTTOKEN_TARGET", "CREDENTIALS_DIRECTORY")


def serve(config_file: Path, port_base: int | None) -> int:
    """Runs the appliance until SIGTERM. Raises ConfigurationError when it can't start."""
    forbid_dumps_and_privileges()
    json_log.configure("supervisor")
    config = load_config(config_file, port_base=port_base)
    check_port_free(config.listener.host, config.listener.port)
    if config.public is not None:
        check_port_free(config.public.host, config.public.port)
    if config.portal is not None:
        check_port_free(config.portal.host, config.portal.port)
    check_port_free(config.monitoring.host, config.monitoring.port)
    check_log_apart(config)
    run = prepare_run_directory(config)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(run.metrics)
    state_file = run.path / "children.json"
    stages = [
        [_log_writer(config)],
        [_clock_watch(config), *_renderers(config), *_inspector(config), *_revocation(config)],
        # In one stage: they end together, so that callers hear of it from the workers (GOAWAY) while the front still stands.
        [*_workers(config, port_base), *_front(config, port_base)],
        _portal(config, port_base),
        [_exporter(config, run, state_file)],
    ]
    listeners = {"grpc": config.listener.address, "metrics": config.monitoring.address}
    if config.public is not None:
        listeners["public"] = f"{config.public.host}:{config.public.port}"
    if config.portal is not None:
        listeners["portal"] = config.portal.address
    _log.info("starting", extra={"fields": listeners})
    report = enter_supervisor_sandbox(config)
    return Supervisor(stages, state_file, config.listener.drain_seconds, asdict(report)).run()


def _log_writer(config: ApplianceConfig) -> ChildSpec:
    return ChildSpec(
        "log-writer",
        ("signer.app.log_writer", "--config", str(config.file)),
        listener=listen_on(config.log.socket),
        takes_hangup=True,
    )


def _clock_watch(config: ApplianceConfig) -> ChildSpec:
    return ChildSpec(
        "clock", ("signer.app.clock_watch", "--config", str(config.file)), remove_environment=_TOKEN_ENVIRONMENT
    )


def _renderers(config: ApplianceConfig) -> list[ChildSpec]:
    listener = listen_on(config.renderer.socket)
    return [
        ChildSpec(
            f"renderer-{number}",
            ("policy_render.renderer_process", "--fonts-directory", str(RunDirectory(config.run_directory).fonts)),
            listener=listener,
            environment={"RAYON_NUM_THREADS": "1"},
            remove_environment=_TOKEN_ENVIRONMENT,
            user=config.processes.users.get("renderer"),
        )
        for number in range(config.renderers)
    ]


def _inspector(config: ApplianceConfig) -> list[ChildSpec]:
    return [
        ChildSpec(
            "inspector",
            ("signer.pades.inspector_process", "--anchors", str(config.trust.directory)),
            listener=listen_on(config.inspector.socket),
            remove_environment=_TOKEN_ENVIRONMENT,
            user=config.processes.users.get("inspector"),
        )
    ]


def _revocation(config: ApplianceConfig) -> list[ChildSpec]:
    if not config.verification.fetchers:
        return []
    listener = listen_on(config.verification.socket)
    arguments = ("signer.app.revocation_fetch", "--config", str(config.file))
    return [
        ChildSpec(f"revocation-{number}", arguments, listener=listener, remove_environment=_TOKEN_ENVIRONMENT)
        for number in range(config.verification.fetchers)
    ]


def _workers(config: ApplianceConfig, port_base: int | None) -> list[ChildSpec]:
    arguments: tuple[str, ...] = ("signer.app.worker", "--config", str(config.file))
    if port_base is not None:
        arguments = (*arguments, "--port-base", str(port_base))
    return [
        ChildSpec(
            name,
            (*arguments, "--name", name),
            environment={"GRPC_VERBOSITY": "ERROR"},  # its own lines are not JSON
            processors=share,
            takes_hangup=True,
        )
        for name, share in zip(config.worker_names, shares(config.listener.workers), strict=True)
    ]


def _front(config: ApplianceConfig, port_base: int | None) -> list[ChildSpec]:
    if config.public is None:
        return []
    arguments: tuple[str, ...] = ("signer.app.front", "--config", str(config.file))
    if port_base is not None:
        arguments = (*arguments, "--port-base", str(port_base))
    listener = listen_on_port(config.public.host, config.public.port)
    return [
        ChildSpec(
            "front",
            arguments,
            listener,
            remove_environment=_TOKEN_ENVIRONMENT,
            takes_hangup=True,
            user=config.processes.users.get("front"),
            shares_group=True,
        )
    ]


def _portal(config: ApplianceConfig, port_base: int | None) -> list[ChildSpec]:
    if config.portal is None:
        return []
    arguments: tuple[str, ...] = ("signer.app.portal", "--config", str(config.file))
    if port_base is not None:
        arguments = (*arguments, "--port-base", str(port_base))
    return [
        ChildSpec(
            "portal",
            arguments,
            listen_on_port(config.portal.host, config.portal.port),
            remove_environment=_TOKEN_ENVIRONMENT,
            user=config.processes.users.get("portal"),
            shares_group=True,
        )
    ]


def _exporter(config: ApplianceConfig, run: RunDirectory, state_file: Path) -> ChildSpec:
    monitoring = config.monitoring
    arguments = [
        *("--host", monitoring.host, "--port", str(monitoring.port), "--transport", monitoring.transport),
        *("--metrics-directory", str(run.metrics), "--state-file", str(state_file)),
        *("--probes-directory", str(config.probes_directory)),
    ]
    if monitoring.tls is not None:
        files = (monitoring.tls.certificate, monitoring.tls.key, monitoring.tls.client_authority)
        arguments += ["--tls", *(str(file) for file in files)]
    for name in config.worker_names:
        arguments += ["--probing", name]
    volumes = {"log": config.log.directory, "archive": config.blobs.directory, "run": config.run_directory}
    for name, directory in volumes.items():
        arguments += ["--volume", f"{name}={directory}"]
    return ChildSpec(
        "exporter",
        ("monitoring.exporter", *arguments),
        remove_environment=_TOKEN_ENVIRONMENT,
        user=config.processes.users.get("exporter"),
        shares_group=True,
    )
