"""One connection to the appliance over mutual TLS, with deadlines on every call and errors made readable.

Not a second API: requests and answers are the contract's own messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

import grpc

from signer.client.errors import RemoteError
from signer.client.profile import ClientProfile, ProfileError
from signer.v1 import document_pb2, signing_pb2
from signer.v1.document_pb2_grpc import DocumentServiceStub
from signer.v1.signing_pb2_grpc import SigningServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")
_MAX_MESSAGE = 33 * 1024 * 1024


class Connection:
    """A context manager around a gRPC channel; `signing` and `documents` are the plain stubs where more is needed."""

    def __init__(self, profile: ClientProfile, *, timeout: float = 30.0) -> None:
        self._profile = profile
        self._timeout = timeout
        try:
            credentials = grpc.ssl_channel_credentials(
                profile.authority.read_bytes(), profile.key.read_bytes(), profile.certificate.read_bytes()
            )
        except OSError as problem:
            raise ProfileError(f"{problem.filename}: can't be read ({problem.strerror})") from None
        options: list[tuple[str, int | str]] = [
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            ("grpc.use_local_subchannel_pool", 1),  # each Connection is a connection of its own
        ]
        if profile.server_name:
            options.append(("grpc.ssl_target_name_override", profile.server_name))
        self._channel = grpc.secure_channel(profile.address, credentials, options)
        self.signing = SigningServiceStub(self._channel)
        self.documents = DocumentServiceStub(self._channel)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    @property
    def channel(self) -> grpc.Channel:
        """The channel itself, for health checks and reflection."""
        return self._channel

    def call(self, method: Callable[..., Response], request: Request, *, timeout: float | None = None) -> Response:
        """One unary call with a deadline.

        Raises:
            RemoteError: the appliance refused, or can't be reached.
        """
        try:
            return method(request, timeout=timeout or self._timeout)
        except grpc.RpcError as problem:
            raise RemoteError.from_rpc_error(problem, self._profile.address) from None

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
            raise RemoteError.from_rpc_error(problem, self._profile.address) from None
