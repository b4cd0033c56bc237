"""What monitoring sees: every metric of the one file, counts that add up over processes, health that tells the truth."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.metrics import MetricWrapperBase

from monitoring import metrics
from signer.client import Connection
from signer.config import load_config
from signer.transport.server import GrpcServer
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base


def _get(appliance: RunningAppliance, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _value(page: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


def test_counts_add_up_over_workers(appliance: RunningAppliance) -> None:
    name = 'signer_signatures_total{algorithm="SM2_SM3",purpose="message"}'
    before = _value(_get(appliance, "/metrics"), name)
    for _ in range(10):  # a connection each, so that both workers get some
        with Connection(appliance.profile) as connection:
            connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
    until = time.monotonic() + 10  # workers write what they counted a few times a second
    while (counted := _value(_get(appliance, "/metrics"), name)) < before + 10 and time.monotonic() < until:
        time.sleep(0.05)
    assert counted == before + 10


def test_every_metric_has_a_meaning_and_a_name_of_ours() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    assert len(defined) > 25
    for metric in defined:
        assert metric._name.startswith("signer_")
        assert metric._documentation.endswith(".")
        assert len(metric._documentation) > 15


@pytest.mark.parametrize(
    "name",
    [
        "signer_build_info",
        "signer_certificate_expiry_timestamp_seconds",
        "signer_hsm_call_seconds_count",
        "signer_hsm_sessions_limit",
        "signer_log_append_seconds_count",
        "signer_own_verification_seconds_count",
        "signer_signature_seconds_bucket",
    ],
)
def test_the_page_has_what_operators_need(appliance: RunningAppliance, connection: Connection, name: str) -> None:
    connection.call(connection.signing.Sign, sig.SignRequest(key="message-rsa", message=b"m"))
    assert f"\n{name}" in _get(appliance, "/metrics")


def test_health_and_readiness(appliance: RunningAppliance, connection: Connection) -> None:
    assert _get(appliance, "/healthz") == "ok\n"
    assert json.loads(_get(appliance, "/readyz")) == {"ready": True, "not_ready": []}
    stub: Any = health_pb2_grpc.HealthStub(connection.channel)
    for service in ("", "signer.v1.SigningService", "signer.v1.DocumentService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_other_pages_do_not_exist(appliance: RunningAppliance) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _get(appliance, "/../../etc/passwd")
    assert caught.value.code == 404


def test_reflection_lists_the_services(connection: Connection) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    requests: Any = reflection_pb2.ServerReflectionRequest
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(connection.channel)
    (answer,) = stub.ServerReflectionInfo(iter([requests(list_services="")]), timeout=5)
    names = {service.name for service in answer.list_services_response.service}
    assert {"signer.v1.SigningService", "signer.v1.DocumentService", "grpc.health.v1.Health"} <= names


def test_without_reflection_the_services_are_not_told(appliance: RunningAppliance) -> None:
    """As in production, where nobody needs to explore."""
    import grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    port = free_port_base()
    listener = replace(load_config(appliance.directory / "signer.toml").listener, port=port)
    server = GrpcServer.from_config(listener, interceptors=[], register=lambda _: [], with_reflection=False)
    server.start()
    requests: Any = reflection_pb2.ServerReflectionRequest
    try:
        with Connection(appliance.profile.at(f"127.0.0.1:{port}")) as connection:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(connection.channel)
            with pytest.raises(grpc.RpcError) as caught:
                list(stub.ServerReflectionInfo(iter([requests(list_services="")]), timeout=5))
            code: Any = caught.value
            assert code.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        server.begin_drain(0).wait()
