"""Fetches CRLs and OCSP responses about certificates from allowed hosts, and keeps them until they say that a newer one is there.

Only what the authority itself signed is kept. No redirects, no proxies, no credentials; each answer bounded in size, each address in time.
An address that failed is left alone for a minute. Processes may share one directory: a file is replaced in one step, and whatever lies
there is judged anew when it is read.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

from signer.certificates.certificate import Certificate
from signer.certificates.ocsp import OcspResponse, build_request
from signer.certificates.revocation import RevocationList, RevocationLists
from signer.certificates.revocation_sources import Address, allowed, list_addresses, responder_addresses
from signer.errors import SignerError

_FAILED_FOR_S = 60.0
_MOST_FILES = 20_000
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Fetched:
    """DER, as their authorities signed them."""

    lists: tuple[bytes, ...] = ()
    responses: tuple[bytes, ...] = ()


@dataclass
class RevocationCache:
    """One process's view on the directory. `timeout`: seconds for one address; `limit`: bytes of one answer."""

    directory: Path
    hosts: tuple[str, ...]
    timeout: float
    limit: int
    _failed: dict[str, float] = field(default_factory=dict, repr=False)

    def about(self, chain: Sequence[Certificate]) -> Fetched:
        """What can be had about a path's certificates; a response before a list, which is larger. Raises nothing of the network's."""
        lists: list[bytes] = []
        responses: list[bytes] = []
        for child, issuer in pairwise(chain):
            response = self._first(responder_addresses(child), partial(self._response, child, issuer))
            if response is not None:
                responses.append(response)
                continue
            listed = self._first(list_addresses(child), partial(self._list, issuer))
            if listed is not None:
                lists.append(listed)
        return Fetched(tuple(lists), tuple(responses))

    def _first(self, addresses: Sequence[str], get: Callable[[str], bytes | None]) -> bytes | None:
        return next((found for address in addresses if (found := get(address)) is not None), None)

    def _response(self, child: Certificate, issuer: Certificate, address: str) -> bytes | None:
        def until(der: bytes) -> datetime | None:
            answer = OcspResponse.load(der).find(child, issuer)
            return None if answer is None else answer.next_update

        request = build_request(child, issuer)
        return self._get(address, request, until)

    def _list(self, issuer: Certificate, address: str) -> bytes | None:
        def until(der: bytes) -> datetime | None:
            crl = RevocationList.load(der)
            return crl.next_update if RevocationLists((crl,)).of(issuer) else None

        return self._get(address, b"", until)

    def _get(self, address: str, request: bytes, until: Callable[[bytes], datetime | None]) -> bytes | None:
        """The kept answer while it is current, or a new one. `until`: when the next one comes; None: not signed as it must be."""
        place = allowed(address, self.hosts)
        if place is None:
            return None
        file = self.directory / hashlib.sha256(address.encode() + b"\0" + request).hexdigest()
        kept = _usable(file, until)
        if kept is not None:
            return kept
        if self._failed.get(file.name, 0) > time.monotonic():
            return None
        try:
            fetched = download(place, request, self.timeout, self.limit)
            expires = until(fetched)
        except (OSError, http.client.HTTPException, ValueError, SignerError):
            expires = None
        if expires is None:
            self._remember_failure(file.name)
            return None
        self._keep(file, fetched)
        return fetched

    def _remember_failure(self, name: str) -> None:
        if len(self._failed) > _MOST_FILES:
            self._failed.clear()
        self._failed[name] = time.monotonic() + _FAILED_FOR_S

    def _keep(self, file: Path, data: bytes) -> None:
        """A full disk costs the next request, not this one."""
        try:
            files = list(self.directory.iterdir())
            for old in sorted(files, key=lambda item: item.stat().st_mtime)[: max(0, len(files) - _MOST_FILES)]:
                old.unlink(missing_ok=True)
            temporary = file.with_name(f"{file.name}.{os.getpid()}")
            temporary.write_bytes(data)
            temporary.replace(file)
        except OSError:
            return


def download(place: Address, request: bytes, timeout: float, limit: int) -> bytes:
    """The answer's body. `request`: posted as an OCSP request (RFC 6960, appendix A.1); b"": asked for by GET.

    Raises:
        OSError, http.client.HTTPException: not reached, not in time.
        ValueError: another status than 200, or too large.
    """
    until = time.monotonic() + timeout
    connection: http.client.HTTPConnection
    if place.secure:
        connection = http.client.HTTPSConnection(
            place.host, place.port, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(place.host, place.port, timeout=timeout)
    try:
        if request:
            connection.request("POST", place.target, request, {"Content-Type": "application/ocsp-request"})
        else:
            connection.request("GET", place.target)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise ValueError("another status than 200")
        body = bytearray()
        while chunk := answer.read1(_CHUNK):
            body += chunk
            if len(body) > limit or time.monotonic() > until:
                raise ValueError("too large, or too slow")
        return bytes(body)
    finally:
        connection.close()


def _usable(file: Path, until: Callable[[bytes], datetime | None]) -> bytes | None:
    try:
        data = file.read_bytes()
        expires = until(data)
    except (OSError, SignerError):
        return None
    return data if expires is not None and expires > datetime.now(UTC) else None
