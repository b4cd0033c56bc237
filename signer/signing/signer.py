"""Signing: authorise → sign → verify own result → record → release. A step that fails releases nothing.

No other way to a private key exists. Not for what is signed: messages, digests and documents come ready from the callers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hsm.errors import HsmError, HsmPinError, HsmUnavailable
from hsm.token import Token
from monitoring import metrics
from signer.algorithms import SignatureAlgorithm, check_digest_length, message_digest, sm2
from signer.audit import KeyedDigest, Log, LogEntry, Receipt
from signer.authz import Actor, Ask, Grants
from signer.authz.ask import THE_CALL_ALONE
from signer.clock import TrustedClock
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason, RequestError, SignerError, VerificationError
from signer.keys import KeyVersion, Purpose
from signer.keys.registry import KeyRegistry
from signer.signing.key_ring import KeyRing, UsableKey
from signer.signing.mechanism import token_mechanism
from signer.signing.request import ReleasedSignature, SigningRequest

MAX_BATCH = 1_000


class DocumentSigner(Protocol):
    """A capability to sign documents with one seal key, for one request; remembers its receipts."""

    key: KeyVersion
    algorithm: SignatureAlgorithm
    receipts: list[Receipt]

    def __call__(self, message: bytes) -> bytes:
        """The released signature over a message (a `SignMessage`)."""
        ...


@dataclass(frozen=True)
class _Prepared:
    """A request that was authorised; its digest is what goes to the token."""

    key: UsableKey
    algorithm: SignatureAlgorithm
    digest: bytes


# What became of one request before it is recorded: a signature that was verified, or why there is none.
_Produced = tuple[_Prepared, bytes] | SignerError | HsmError


def refusal_entry(actor: Actor, problem: SignerError | HsmError) -> bytes:
    """The log's entry for a request that was refused or failed."""
    return LogEntry("refusal", actor.request_id, actor.client, actor.rpc, detail=problem.reason.value).encode()


class Signer:
    """Everything that signs goes through here."""

    def __init__(
        self,
        *,
        grants: Grants,
        registry: KeyRegistry,
        keys: KeyRing,
        token: Token,
        log: Log,
        keyed_digest: KeyedDigest,
        clock: TrustedClock | None,
    ) -> None:
        """`clock`: None only where no service runs yet, and so nobody watches it."""
        self._grants = grants
        self._registry = registry
        self._keys = keys
        self._token = token
        self._log = log
        self._keyed_digest = keyed_digest
        self._clock = clock

    def sign(self, actor: Actor, request: SigningRequest, deadline: Deadline) -> ReleasedSignature:
        """Signs with a message key.

        Raises:
            RequestError, AccessError: what is asked can't be or may not be done.
            HsmError, ApplianceError: the token or the log stopped it; nothing was released.
        """
        prepared = self._authorise(actor, request, Purpose.MESSAGE)
        return self._release(actor, prepared, deadline)

    def sign_batch(
        self, actor: Actor, requests: Sequence[SigningRequest], deadline: Deadline
    ) -> list[ReleasedSignature | SignerError | HsmError]:
        """Signs up to 1,000 requests with message keys; answers stand in their order, each released or refused by itself.

        One flush of the log records them all.

        A token that can't be used fails the rest of the batch at once: every further item would wait as long.

        Raises:
            RequestError: BATCH_EMPTY, BATCH_TOO_LARGE.
            ApplianceError: the log can't be written; nothing was released.
        """
        check_batch_size(len(requests))
        produced: list[_Produced] = []
        token_lost: HsmError | None = None
        for request in requests:
            try:
                prepared = self._authorise(actor, request, Purpose.MESSAGE)
                if token_lost is not None:
                    raise token_lost
                produced.append((prepared, self._produce(prepared, deadline)))
            except (HsmUnavailable, HsmPinError) as problem:
                token_lost = problem
                produced.append(problem)
            except (HsmError, SignerError) as problem:  # this key's, or this item's, alone
                produced.append(problem)
        return self._record(actor, produced, deadline)

    def document_signer(
        self, actor: Actor, key: str, deadline: Deadline, *, template: str | None, profile: str
    ) -> DocumentSigner:
        """A capability to sign one document from this template, as this seal profile, with a seal key; refuses here and now
        what no single grant covers. `template` None: the caller brings the document.

        Raises:
            RequestError, AccessError: as `sign`.
        """
        version = self._usable_version(actor, key, Purpose.SEAL, Ask(template=template, profile=profile))
        return _KeySigner(self, actor, version, version.algorithm_for(SignatureAlgorithm.UNSPECIFIED), deadline)

    def timestamp_signer(
        self, actor: Actor, key: str, deadline: Deadline, *, for_seal: DocumentSigner | None = None
    ) -> DocumentSigner:
        """A capability to sign one timestamp with a timestamp key.

        `for_seal`: the capability to make the seal that is stamped, which covers its timestamp, too; None: a grant must name the key.

        Raises:
            RequestError, AccessError: as `sign`.
        """
        if for_seal is None:
            version = self._usable_version(actor, key, Purpose.TIMESTAMP, THE_CALL_ALONE)
        else:
            version = self._registry.for_signing(key, Purpose.TIMESTAMP)
        return _KeySigner(self, actor, version, version.algorithm_for(SignatureAlgorithm.UNSPECIFIED), deadline)

    def message_signer(
        self, actor: Actor, key: str, algorithm: SignatureAlgorithm, deadline: Deadline
    ) -> DocumentSigner:
        """The same for CMS over messages, with a message key."""
        version = self._usable_version(actor, key, Purpose.MESSAGE, THE_CALL_ALONE)
        return _KeySigner(self, actor, version, version.algorithm_for(algorithm), deadline)

    def report_signer(self, actor: Actor, key: str, deadline: Deadline) -> DocumentSigner:
        """The same for the report on a verification, with a report key: the call that asks for the verification is what needs
        a grant, not the key, which signs nothing but what we found.

        Raises:
            RequestError, AccessError: as `sign`.
        """
        self._grants.authorise(actor)
        version = self._registry.for_signing(key, Purpose.REPORT)
        return _KeySigner(self, actor, version, version.algorithm_for(SignatureAlgorithm.UNSPECIFIED), deadline)

    def probe(self, timeout: float) -> None:
        """Really signs and verifies once, for readiness; counted, not logged one by one.

        Raises:
            HsmError, ApplianceError: signing does not work now.
        """
        key = self._keys.any()
        algorithm = key.version.algorithms[0]
        digest = message_digest(algorithm, key.public_key, b"readiness probe")
        self._produce(_Prepared(key, algorithm, digest), Deadline.after(timeout))

    def sign_as(
        self, actor: Actor, version: KeyVersion, algorithm: SignatureAlgorithm, message: bytes, deadline: Deadline
    ) -> ReleasedSignature:
        """For capabilities only: what `document_signer` and `message_signer` authorised, over a message."""
        key = self._keys.get(version)
        prepared = _Prepared(key, algorithm, message_digest(algorithm, key.public_key, message))
        return self._release(actor, prepared, deadline)

    def _usable_version(self, actor: Actor, key: str, purpose: Purpose, ask: Ask) -> KeyVersion:
        # An unknown name is told as such even without a grant: names of keys are no secret, and typos are common.
        version = self._registry.resolve(key)
        self._grants.use(actor, replace(ask, key=version.name))
        return self._registry.for_signing(key, purpose)

    def _authorise(self, actor: Actor, request: SigningRequest, purpose: Purpose) -> _Prepared:
        if (request.message is None) == (request.digest is None):
            raise RequestError(
                Reason.INPUT_MISSING if request.message is None else Reason.INPUT_AMBIGUOUS,
                "exactly one of message and digest must be given",
                "Send the message; send a digest only where the message can't be sent.",
            )
        version = self._usable_version(actor, request.key, purpose, Ask(digest=request.digest is not None))
        algorithm = version.algorithm_for(request.algorithm)
        key = self._keys.get(version)
        if request.digest is not None:
            if request.sm2_id is not None:
                raise RequestError(
                    Reason.SM2_ID_INVALID,
                    "sm2_id has no effect on a digest",
                    "Leave it out: e = SM3(Z ‖ M) already holds it.",
                )
            check_digest_length(algorithm, request.digest)
            return _Prepared(key, algorithm, request.digest)
        assert request.message is not None
        digest = message_digest(algorithm, key.public_key, request.message, sm2_id=request.sm2_id)
        return _Prepared(key, algorithm, digest)

    def _produce(self, prepared: _Prepared, deadline: Deadline) -> bytes:
        """Signs in the token and verifies the result with other code, in this process.

        A clock that can't be believed stops it: when something was signed is a part of what a signature says.
        """
        if self._clock is not None:
            self._clock.check()
        started = time.monotonic()
        raw = self._token.sign(
            prepared.key.handle, token_mechanism(prepared.algorithm), prepared.digest, timeout=deadline.remaining()
        )
        signed = time.monotonic()
        name = prepared.algorithm.name
        try:
            signature = sm2.encode_signature(raw) if prepared.algorithm is SignatureAlgorithm.SM2_SM3 else raw
            prepared.key.public_key.verify_digest(prepared.algorithm, prepared.digest, signature)
        except (VerificationError, RequestError) as problem:
            metrics.labelled(metrics.own_signatures_wrong, name).inc()
            raise ApplianceError(
                Reason.OWN_SIGNATURE_WRONG,
                f"the token returned a wrong signature for {prepared.key.version.reference}; it was not released",
                "Take the token out of service and find out why.",
            ) from problem
        verified = time.monotonic()
        metrics.labelled(metrics.own_verification_seconds, name).observe(verified - signed)
        metrics.labelled(metrics.signature_seconds, name).observe(verified - started)
        return signature

    def _release(self, actor: Actor, prepared: _Prepared, deadline: Deadline) -> ReleasedSignature:
        released = self._record(actor, [(prepared, self._produce(prepared, deadline))], deadline)[0]
        assert isinstance(released, ReleasedSignature)
        return released

    def _record(
        self, actor: Actor, produced: Sequence[_Produced], deadline: Deadline
    ) -> list[ReleasedSignature | SignerError | HsmError]:
        entries = [self._entry(actor, item) for item in produced]
        receipts = self._log.append(entries, deadline)
        results: list[ReleasedSignature | SignerError | HsmError] = []
        for item, receipt in zip(produced, receipts, strict=True):
            if isinstance(item, SignerError | HsmError):
                results.append(item)
                continue
            prepared, signature = item
            version = prepared.key.version
            metrics.labelled(metrics.signatures, version.purpose.value, prepared.algorithm.name).inc()
            results.append(ReleasedSignature(signature, version, prepared.algorithm, receipt))
        return results

    def _entry(self, actor: Actor, item: _Produced) -> bytes:
        if isinstance(item, SignerError | HsmError):
            metrics.labelled(metrics.log_entries, "refusal").inc()
            return refusal_entry(actor, item)
        prepared, _ = item
        metrics.labelled(metrics.log_entries, "signature").inc()
        return LogEntry(
            "signature",
            actor.request_id,
            actor.client,
            actor.rpc,
            prepared.key.version.reference,
            prepared.algorithm.name,
            self._keyed_digest.of(prepared.digest),
        ).encode()


def check_batch_size(size: int) -> None:
    """Raises RequestError (BATCH_EMPTY, BATCH_TOO_LARGE) unless a batch has 1 to 1,000 items."""
    if not 1 <= size <= MAX_BATCH:
        raise RequestError(
            Reason.BATCH_TOO_LARGE if size else Reason.BATCH_EMPTY,
            f"a batch holds 1 to {MAX_BATCH} items, this one {size}",
            "Split it into smaller batches.",
        )


class _KeySigner:
    """The implementation of `DocumentSigner`."""

    def __init__(
        self, signer: Signer, actor: Actor, key: KeyVersion, algorithm: SignatureAlgorithm, deadline: Deadline
    ) -> None:
        self._signer = signer
        self._actor = actor
        self._deadline = deadline
        self.key = key
        self.algorithm = algorithm
        self.receipts: list[Receipt] = []

    def __call__(self, message: bytes) -> bytes:
        released = self._signer.sign_as(self._actor, self.key, self.algorithm, message, self._deadline)
        self.receipts.append(released.receipt)
        return released.signature
