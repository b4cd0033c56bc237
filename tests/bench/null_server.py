"""A server of the appliance's own shape whose Sign does nothing: the same listener, processes, threads, TLS and options."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from signer.v1 import signing_pb2
from signer.v1.signing_pb2_grpc import SigningServiceServicer, add_SigningServiceServicer_to_server


class _NullServicer(SigningServiceServicer):
    """Answers with as many bytes as a real signature has around it."""

    def __init__(self) -> None:
        receipt = signing_pb2.SignResponse().receipt
        receipt.log_id, receipt.index, receipt.entry = "null", 1, bytes(330)
        self._answer = signing_pb2.SignResponse(
            signature=bytes(71), key="message-sm2@1", certificate=bytes(700), receipt=receipt
        )

    def Sign(self, request: signing_pb2.SignRequest, context: grpc.ServicerContext) -> signing_pb2.SignResponse:  # noqa: N802, ARG002 - gRPC's
        """At once."""
        return self._answer


def _serve(config_file: Path, port: int, ready: Any) -> None:
    from dataclasses import replace

    from signer.config import load_config
    from signer.transport.server import GrpcServer

    def register(server: grpc.Server) -> list[str]:
        add_SigningServiceServicer_to_server(_NullServicer(), server)
        return ["signer.v1.SigningService"]

    listener = replace(load_config(config_file).listener, port=port)
    server = GrpcServer.from_config(listener, interceptors=[], register=register, with_reflection=False)
    server.start()
    ready.wait()
    multiprocessing.Event().wait()


@contextmanager
def null_server(directory: Path, port: int, processes: int) -> Iterator[None]:
    """Runs beside the appliance, with its certificates."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    servers = [
        context.Process(target=_serve, args=(directory / "signer.toml", port, ready), daemon=True)
        for _ in range(processes)
    ]
    for server in servers:
        server.start()
    ready.wait(60)
    try:
        yield
    finally:
        for server in servers:
            server.kill()
            server.join()
