"""A real Prometheus scrapes real appliances, over mutual TLS and plain; what it counts is what was called; its alerts are ours.

Threat: T24.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from signer.client import Connection
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.integration.monitoring.prometheus_process import Prometheus, eventually, scraping
from tests.integration.monitoring.tls_files import MonitoringPki
from tests.made_appliances import running

_CALLS = 7


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> MonitoringPki:
    """Of the guarded appliance's metrics listener."""
    return MonitoringPki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, pki: MonitoringPki) -> Iterator[RunningAppliance]:
    """An appliance of this module's own, whose metrics listener speaks mutual TLS."""
    directory, port = tmp_path_factory.mktemp("guarded"), free_port_base()

    def protect() -> None:
        file = directory / "signer.toml"
        lines = [f'{key} = "{getattr(pki.files, key)}"' for key in ("certificate", "key", "client_authority")]
        file.write_text(file.read_text().replace("[monitoring]\n", "\n".join(["[monitoring]", *lines, ""]), 1))

    def is_ready(base: int) -> bool:
        try:
            return pki.get(base + 21, "/readyz")[0] == 200
        except OSError:
            return False

    with running(directory, port, change=protect, is_ready=is_ready) as process:
        yield RunningAppliance(directory, port, process.pid)


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, appliance: RunningAppliance, guarded: RunningAppliance, pki: MonitoringPki
) -> Iterator[Prometheus]:
    """Scrapes both appliances, each as docs/monitoring.md shows it."""
    tls = {
        "ca_file": str(pki.files.client_authority),
        "cert_file": str(pki.folder / "prometheus.pem"),
        "key_file": str(pki.folder / "prometheus.key"),
    }
    jobs: list[dict[str, Any]] = [
        {"job_name": "guarded", "scheme": "https", "tls_config": tls, "static_configs": _target(guarded)},
        {"job_name": "plain", "static_configs": _target(appliance)},
    ]
    with scraping(tmp_path_factory.mktemp("prometheus"), jobs) as process:
        yield process


def _target(appliance: RunningAppliance) -> list[dict[str, Any]]:
    return [{"targets": [f"127.0.0.1:{appliance.metrics_port}"], "labels": {"job": "signer"}}]


def _of(appliance: RunningAppliance, series: str) -> str:
    """The series of one appliance; `series` ends where its matchers may go on."""
    return f'{series}instance="127.0.0.1:{appliance.metrics_port}"}}'


def test_both_are_up_and_counts_are_what_was_called(
    prometheus: Prometheus, appliance: RunningAppliance, guarded: RunningAppliance
) -> None:
    for one in (appliance, guarded):
        signed = _of(one, 'signer_signatures_total{purpose="message",algorithm="SM2_SM3",')
        eventually(lambda one=one: prometheus.value(_of(one, "up{")) == 1, "not up")  # type: ignore[misc]  # bound now
        before = prometheus.value(signed) or 0.0
        with Connection(one.profile) as connection:
            for _ in range(_CALLS):
                connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
        eventually(lambda s=signed, b=before: prometheus.value(s) == b + _CALLS, "not counted")  # type: ignore[misc]  # bound now
    assert prometheus.value(_of(guarded, 'signer_listener_info{listener="metrics",transport="mutual-tls",')) == 1
    assert prometheus.value(_of(appliance, 'signer_listener_info{listener="metrics",transport="loopback",')) == 1
    assert prometheus.value(_of(guarded, 'signer_certificate_expiry_timestamp_seconds{use="metrics-listener",')) > 1e9  # type: ignore[operator]  # None fails, too


def test_all_rules_evaluate_and_nothing_fires_on_sound_appliances(prometheus: Prometheus) -> None:
    def evaluated() -> list[dict[str, Any]]:
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    eventually(lambda: all(rule["health"] == "ok" for rule in evaluated()), "a rule was not evaluated")
    assert len(evaluated()) > 50
    assert [rule for rule in evaluated() if rule.get("lastError")] == []
    assert prometheus.firing() == set()


def test_without_a_certificate_the_guarded_listener_tells_nothing(
    guarded: RunningAppliance, pki: MonitoringPki
) -> None:
    for path in ("/metrics", "/readyz", "/healthz"):
        with pytest.raises(OSError):
            pki.get(guarded.metrics_port, path, pki.context(""))
        assert pki.get(guarded.metrics_port, path)[0] == 200


def test_readiness_means_a_real_signature(
    prometheus: Prometheus, guarded: RunningAppliance, pki: MonitoringPki
) -> None:
    """The token is taken away: not ready, with names, and an alert; given back: ready by itself. Alive all the time."""

    def readiness() -> tuple[int, Any]:
        status, text = pki.get(guarded.metrics_port, "/readyz")
        return status, json.loads(text)

    tokens = guarded.directory / "token" / "tokens"
    away = tokens.with_name("away")
    assert readiness() == (200, {"ready": True, "not_ready": []})
    tokens.rename(away)
    try:
        unready = {"ready": False, "not_ready": ["worker-0/signing", "worker-1/signing"]}
        eventually(lambda: readiness() == (503, unready), "still ready")
        assert pki.get(guarded.metrics_port, "/healthz") == (200, "ok\n")
        eventually(lambda: prometheus.value(_of(guarded, "signer_ready{")) == 0, "signer_ready")
        eventually(lambda: "SigningProbeFailing" in prometheus.firing(), "no alert")
    finally:
        away.rename(tokens)
    eventually(lambda: readiness() == (200, {"ready": True, "not_ready": []}), "not ready again")


def test_a_public_address_without_tls_keeps_it_from_starting(guarded: RunningAppliance) -> None:
    text = (guarded.directory / "signer.toml").read_text()
    table = text[text.index("[monitoring]") : text.index("[token]")]
    file = guarded.directory / "public.toml"
    file.write_text(text.replace(table, '[monitoring]\nhost = "0.0.0.0"\n\n'))
    command = [sys.executable, "-m", "signer.cli", "serve", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert "public.toml:" in done.stderr
    assert "monitoring.host: '0.0.0.0' is not a private address" in done.stderr
