"""One connection to the appliance over mutual TLS, on the LAN or (smtls://) from outside: deadlines, retries, readable errors.

Not a second API: requests and answers are the contract's own messages.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import grpc

from signer.client.batches import in_batches
from signer.client.errors import RemoteError
from signer.client.profile import ClientProfile, ProfileError
from signer.client.retry import RetryPolicy
from signer.v1 import document_pb2, signing_pb2
from signer.v1.document_pb2_grpc import DocumentServiceStub
from signer.v1.signing_pb2_grpc import SigningServiceStub
from signer.v1.timestamp_pb2_grpc import TimestampServiceStub

if TYPE_CHECKING:
    from signer.client.tunnel import BackgroundTunnel

Request = TypeVar("Request")
Response = TypeVar("Response")
_MAX_MESSAGE = 33 * 1024 * 1024
_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    ("grpc.use_local_subchannel_pool", 1),  # each Connection is a connection of its own
)


class Connection:
    """A context manager around a gRPC channel; `signing` and `documents` are the plain stubs where more is needed."""

    def __init__(self, profile: ClientProfile, *, timeout: float = 30.0, retry: RetryPolicy | None = None) -> None:
        """`timeout`: seconds of a call in all, repetitions included. `retry` None: the usual policy.

        Raises:
            ProfileError: the profile's files can't be used.
        """
        self._profile = profile
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._tunnel = _tunnel(profile) if profile.is_smtls else None
        self._channel = _lan_channel(profile) if self._tunnel is None else _tunnelled_channel(self._tunnel.path)
        self.signing = SigningServiceStub(self._channel)
        self.documents = DocumentServiceStub(self._channel)
        self.timestamps = TimestampServiceStub(self._channel)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()
        if self._tunnel is not None:
            self._tunnel.close()

    @property
    def channel(self) -> grpc.Channel:
        """The channel itself, for health checks and reflection."""
        return self._channel

    def call(self, method: Callable[..., Response], request: Request, *, timeout: float | None = None) -> Response:
        """One unary call with a deadline, made again where that is safe (`RetryPolicy`) and time is left.

        Raises:
            RemoteError: the appliance refused, or can't be reached.
        """
        until = time.monotonic() + (timeout or self._timeout)
        for attempt in itertools.count(1):
            try:
                return method(request, timeout=max(0.0, until - time.monotonic()))
            except grpc.RpcError as problem:
                remote = self._remote_error(problem)
            wait = self._retry.wait_after(remote, request, attempt)
            if wait is None or time.monotonic() + wait >= until:
                raise remote
            time.sleep(wait)
        raise AssertionError("the loop has no end of its own")

    def sign_many(
        self, requests: Iterable[signing_pb2.SignRequest], *, batch: int = 100, under_way: int = 2
    ) -> Iterator[signing_pb2.SignResult]:
        """Signs any number of requests in batches; one result for each, in order, a signature or that item's own error.

        Raises:
            RemoteError: a whole batch was refused.
        """

        def send(items: list[signing_pb2.SignRequest]) -> Iterable[signing_pb2.SignResult]:
            return self.call(self.signing.SignBatch, signing_pb2.SignBatchRequest(requests=items)).results

        return in_batches(send, requests, size=batch, under_way=under_way)

    def list_keys(self) -> list[signing_pb2.KeyInfo]:
        """All keys that this client may use."""
        keys: list[signing_pb2.KeyInfo] = []
        token = ""
        while True:
            answer = self.call(self.signing.ListKeys, signing_pb2.ListKeysRequest(page_token=token))
            keys += answer.keys
            token = answer.next_page_token
            if not token:
                return keys

    def issue_many(
        self, requests: Iterable[document_pb2.IssueDocumentRequest], *, timeout: float = 3600.0
    ) -> Iterator[document_pb2.IssueDocumentResult]:
        """Answers as they are ready. Raises RemoteError when the stream itself breaks."""
        try:
            yield from self.documents.IssueDocuments(iter(requests), timeout=timeout)
        except grpc.RpcError as problem:
            raise self._remote_error(problem) from None

    def _remote_error(self, problem: grpc.RpcError) -> RemoteError:
        why = "" if self._tunnel is None else self._tunnel.last_problem
        return RemoteError.from_rpc_error(problem, self._profile.address, why)


def _tunnel(profile: ClientProfile) -> BackgroundTunnel:
    from signer.client.tunnel import BackgroundTunnel  # OpenSSL is loaded only where it is needed

    return BackgroundTunnel(profile)


def _lan_channel(profile: ClientProfile) -> grpc.Channel:
    try:
        credentials = grpc.ssl_channel_credentials(
            profile.authority.read_bytes(), profile.key.read_bytes(), profile.certificate.read_bytes()
        )
    except OSError as problem:
        raise ProfileError(f"{problem.filename}: can't be read ({problem.strerror})") from None
    options = [*_OPTIONS]
    if profile.server_name:
        options.append(("grpc.ssl_target_name_override", profile.server_name))
    return grpc.secure_channel(profile.target, credentials, options)


def _tunnelled_channel(path: Path) -> grpc.Channel:
    """Without gRPC's own TLS: the tunnel has it, and the socket is ours alone."""
    return grpc.insecure_channel(f"unix:{path}", [*_OPTIONS, ("grpc.default_authority", "localhost")])
