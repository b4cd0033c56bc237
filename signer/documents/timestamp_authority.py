"""Our own RFC 3161 timestamp authority: answers requests, and stamps our seals. Keys in the token, every token on record.

Not for the protocol's structures: `signer.cms.timestamp_authority` reads and writes them. Its time is the guarded clock's: nothing is
signed while that can't be believed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signer.algorithms import SignatureAlgorithm
from signer.audit import Receipt
from signer.authz import Actor
from signer.cms.timestamp_authority import (
    Failure,
    TimestampRefused,
    TimestampRequest,
    TokenBuilder,
    granted,
    read_timestamp_request,
    rejected,
)
from signer.deadline import Deadline
from signer.documents.timestamps_config import OwnAuthorityConfig
from signer.errors import ConfigurationError, Reason
from signer.keys import KeyVersion, Purpose
from signer.keys.registry import KeyRegistry
from signer.signing import DocumentSigner, Signer

# RFC 3161, 2.4.2: up to 160 bits, unique for each token; drawn at random, two are the same once in 2^64 tokens.
_SERIAL_BITS = 128


DigestOf = Callable[[str], bytes]


@dataclass(frozen=True)
class StampOrder:
    """What is to be stamped, for whom. `digest_of`: the content's digest by a hash (a hashlib name).

    `seal`: the capability to make the seal that is stamped; None: a renewal, for which a grant must name the timestamp key.
    `receipts`: gets those of our own authority.
    """

    actor: Actor
    digest_of: DigestOf
    deadline: Deadline
    receipts: list[Receipt]
    seal: DocumentSigner | None = None
    hash_name: str = "sm3"


class TimestampAuthority:
    """Stamps digests."""

    def __init__(self, config: OwnAuthorityConfig, registry: KeyRegistry, signer: Signer) -> None:
        """Raises ConfigurationError for keys that can't stamp."""
        self._config = config
        self._signer = signer
        self._registry = registry
        self._builders: dict[str, TokenBuilder] = {}
        for name in config.keys:
            self._builder(_usable(registry, name))

    def answer(self, actor: Actor, request: bytes, deadline: Deadline) -> bytes:
        """TimeStampResp for a TimeStampReq, both DER; a request that can't be served gets a refusal in the protocol's own terms.

        Raises:
            AccessError: the client has no grant for the timestamp key.
            HsmError, ApplianceError: token, clock or log stopped it.
        """
        try:
            wanted = read_timestamp_request(request)
            sign = self._signer.timestamp_signer(actor, self._key_for(wanted.hash_name), deadline)
            return granted(self._token(wanted, sign))
        except TimestampRefused as refusal:
            return rejected(refusal)

    def stamp(self, order: StampOrder) -> bytes:
        """TimeStampToken for one of our own seals or documents, DER.

        Raises:
            AccessError: a renewal by a client that has no grant for the timestamp key.
            HsmError, ApplianceError: token, clock or log stopped it.
        """
        key = self._key_for(order.hash_name)
        sign = self._signer.timestamp_signer(order.actor, key, order.deadline, for_seal=order.seal)
        try:
            token = self._token(TimestampRequest(order.hash_name, order.digest_of(order.hash_name)), sign)
        except TimestampRefused as refusal:  # we ask for nothing that could be refused
            raise ConfigurationError(Reason.START_FAILED, refusal.text) from None
        order.receipts.extend(sign.receipts)
        return token

    def _token(self, request: TimestampRequest, sign: DocumentSigner) -> bytes:
        builder = self._builder(sign.key)
        serial = secrets.randbits(_SERIAL_BITS) | 1
        return builder.build(request, serial=serial, moment=datetime.now(UTC), sign=sign)

    def _key_for(self, hash_name: str) -> str:
        """SM3 goes with SM2, SHA-2 with RSA, where there is a key of each. Raises TimestampRefused."""
        names = self._config.keys
        for name in names:
            if (SignatureAlgorithm.SM2_SM3 in _usable(self._registry, name).algorithms) == (hash_name == "sm3"):
                return name
        if not names:
            raise TimestampRefused(Failure.SYSTEM_FAILURE, "this authority has no key")
        return names[0]

    def _builder(self, key: KeyVersion) -> TokenBuilder:
        if key.reference not in self._builders:
            chain: Sequence[bytes] = key.certificate_chain
            if not chain:
                raise ConfigurationError(
                    Reason.START_FAILED,
                    f"the timestamp key {key.reference} has no certificate",
                    "Give it one with the purpose timeStamping.",
                )
            self._builders[key.reference] = TokenBuilder(
                chain[0],
                chain[1:],
                key.algorithms[0],
                policy=self._config.policy,
                accuracy_ms=self._config.accuracy_ms,
            )
        return self._builders[key.reference]


def _usable(registry: KeyRegistry, name: str) -> KeyVersion:
    return registry.for_signing(name, Purpose.TIMESTAMP)
