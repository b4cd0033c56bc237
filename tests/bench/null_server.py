"""A server of the appliance's own shape whose Sign does nothing, and whose documents are the least of theirs (`bare_ways`): the same
listener, processes and processors, threads, TLS and options.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from signer.app.processors import settle, shares
from signer.v1 import document_pb2, signing_pb2, types_pb2
from tests.bench.bare_ways import LeastDocuments
from tests.bench.workload import Place


class _NullService(grpc.GenericRpcHandler):
    """Answers Sign at once, with as many bytes as a real signature has around it."""

    def __init__(self, place: Place) -> None:
        receipt = types_pb2.LogReceipt(log_id="null", index=1, entry=bytes(330))
        answer = signing_pb2.SignResponse(
            signature=bytes(71), key="message-sm2@1", certificate=bytes(700), receipt=receipt
        )
        documents = LeastDocuments(place)
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "/signer.v1.SigningService/Sign": grpc.unary_unary_rpc_method_handler(
                lambda _request, _context: answer,
                request_deserializer=signing_pb2.SignRequest.FromString,
                response_serializer=signing_pb2.SignResponse.SerializeToString,
            ),
            "/signer.v1.DocumentService/IssueDocument": grpc.unary_unary_rpc_method_handler(
                documents.issue,
                request_deserializer=document_pb2.IssueDocumentRequest.FromString,
                response_serializer=document_pb2.IssueDocumentResponse.SerializeToString,
            ),
            "/signer.v1.DocumentService/VerifyDocument": grpc.unary_unary_rpc_method_handler(
                documents.verify,
                request_deserializer=document_pb2.VerifyDocumentRequest.FromString,
                response_serializer=document_pb2.VerifyDocumentResponse.SerializeToString,
            ),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """These and nothing else."""
        return self._handlers.get(handler_call_details.method)


def _serve(config_file: Path, port: int, ready: Any, processors: frozenset[int]) -> None:
    from dataclasses import replace

    settle(0, processors)

    from signer.config import load_config
    from signer.transport.server import GrpcServer

    def register(server: grpc.Server) -> list[str]:
        server.add_generic_rpc_handlers((_NullService(Place(config_file.parent, port)),))
        return ["signer.v1.SigningService"]

    listener = replace(load_config(config_file).listener, port=port)
    server = GrpcServer.from_config(listener, interceptors=[], register=register, with_reflection=False)
    server.start()
    ready.wait()
    threading.Event().wait()


@contextmanager
def null_server(directory: Path, port: int, processes: int) -> Iterator[None]:
    """Runs beside the appliance, with its certificates."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    servers = [
        context.Process(target=_serve, args=(directory / "signer.toml", port, ready, share), daemon=True)
        for share in shares(processes)
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
