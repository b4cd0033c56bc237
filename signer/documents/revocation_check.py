"""What the appliance itself knows about revocation, beside what a file brings along: the operator's CRLs, and what may be fetched.

In the worker, which opens no connection: fetchers have a process of their own (`signer.app.revocation_fetch`). They are asked
only about paths that this process found itself, so that an address was written by an authority that the appliance trusts, and
they follow it only to a host that the operator allowed. Not for the mathematics.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from isolation.errors import IsolationError
from isolation.pool import call_pool
from signer.certificates import Certificate, CertificateUsage, RevocationLists, TrustStore, judge_path
from signer.certificates.ocsp import OcspResponse
from signer.certificates.revocation import RevocationList, revocation_files
from signer.certificates.revocation_status import RevocationKnowledge
from signer.documents.verification_config import VerificationConfig
from signer.errors import ConfigurationError, Reason, RequestError, SignerError, VerificationError
from signer.findings import FindingCode, finding
from signer.pades.evidence import SignatureEvidence, Verdict

MAX_ANSWER_BYTES = 64 * 1024 * 1024
LOOK_EVERY_S = 1.0  # at the directory's files, which costs as much as an RSA signature to verify
_TIMESTAMPING = frozenset({"1.3.6.1.5.5.7.3.8"})
_NOT_CHECKED, _UNKNOWN = FindingCode.REVOCATION_NOT_CHECKED, FindingCode.REVOCATION_UNKNOWN
_log = logging.getLogger(__name__)


class RevocationCheck:
    """Any number of threads may use one object."""

    def __init__(self, config: VerificationConfig, trust: Sequence[TrustStore], lists: RevocationLists) -> None:
        self._config = config
        self._trust = trust
        self._lists = lists
        self._seen = _state(config)
        self._looked = time.monotonic()

    @classmethod
    def from_config(cls, config: VerificationConfig, *trust: TrustStore) -> RevocationCheck:
        """`trust`: the anchors of signers, and of timestamp authorities where they have others.

        Raises:
            ConfigurationError: START_FAILED; the directory is empty or a file in it can't be used.
        """
        lists = RevocationLists(())
        if config.crl_directory is not None:
            lists = RevocationLists.from_directory(config.crl_directory)
        return cls(config, trust, lists)

    def apply(
        self, signatures: Sequence[SignatureEvidence], *, released_at: datetime | None = None
    ) -> tuple[SignatureEvidence, ...]:
        """The evidence, and what is known about revocation in it. `released_at`: since when the issue register knows the file."""
        if not (self._config.require or self._config.hosts or self._config.crl_directory):
            return tuple(signatures)
        self._read_again()
        return tuple(self._apply(item, released_at) if item.trusted else item for item in signatures)

    def _apply(self, evidence: SignatureEvidence, released_at: datetime | None) -> SignatureEvidence:
        known = [moment for moment in (evidence.proven_at, released_at) if moment is not None]
        proven_at, now = min(known, default=None), datetime.now(UTC)
        try:
            chain = self._own_path(evidence, proven_at or now)
            self._knowledge(chain, proven_at, now).check(chain, proven_at, now)
        except VerificationError as problem:
            return self._without_good_word(evidence, FindingCode(problem.finding_code))
        except RequestError:
            return self._without_good_word(evidence, _UNKNOWN)
        return replace(evidence, findings=tuple(item for item in evidence.findings if item.code is not _NOT_CHECKED))

    def _own_path(self, evidence: SignatureEvidence, at: datetime) -> tuple[Certificate, ...]:
        """The path once more by this process: the inspector's may be owned by a file. Raises VerificationError, RequestError."""
        leaf = Certificate.load(evidence.certificate)
        usage = CertificateUsage.SIGNATURE
        if leaf.extended_key_usage == _TIMESTAMPING:
            usage = CertificateUsage.TIMESTAMPS
        for trust in self._trust:
            try:
                return judge_path(leaf.der, evidence.chain[1:], trust, at, usage).chain
            except VerificationError:
                continue
        raise VerificationError(Reason.PATH_NOT_TRUSTED, _UNKNOWN, "no path of our own to ask about")

    def _knowledge(
        self, chain: Sequence[Certificate], proven_at: datetime | None, now: datetime
    ) -> RevocationKnowledge:
        """The operator's lists where they suffice; otherwise whatever the fetchers can find beside them."""
        own = RevocationKnowledge(self._lists)
        if not self._config.hosts:
            return own
        try:
            own.check(chain, proven_at, now)
        except VerificationError as problem:
            if problem.finding_code != _UNKNOWN:
                return own
            lists, responses = self._ask(chain)
            return RevocationKnowledge(RevocationLists((*self._lists.lists, *lists)), tuple(responses))
        return own

    def _ask(self, chain: Sequence[Certificate]) -> tuple[list[RevocationList], list[OcspResponse]]:
        """Raises nothing: whoever is not there says nothing."""
        request = json.dumps([base64.b64encode(item.der).decode() for item in chain]).encode()
        timeout = self._config.timeout * 2 * len(chain)
        try:
            answer = json.loads(
                call_pool(self._config.socket, request, timeout=timeout, limit=MAX_ANSWER_BYTES, again=True)
            )
            lists = [RevocationList.load(base64.b64decode(text)) for text in answer["lists"]]
            responses = [OcspResponse.load(base64.b64decode(text)) for text in answer["responses"]]
        except (IsolationError, SignerError, ValueError, KeyError, TypeError, RecursionError) as problem:
            _log.warning("nobody answers about revocation", extra={"fields": {"problem": type(problem).__name__}})
            return [], []
        return lists, responses

    def _without_good_word(self, evidence: SignatureEvidence, code: FindingCode) -> SignatureEvidence:
        told = {item.code for item in evidence.findings}
        if code is _UNKNOWN and _NOT_CHECKED not in told:
            return evidence  # the file's own lists said enough
        findings = (*(item for item in evidence.findings if item.code is not _NOT_CHECKED), finding(code))
        if code is _UNKNOWN and not self._config.require:
            return replace(evidence, findings=findings)
        return replace(evidence, findings=findings, verdict=Verdict.INDETERMINATE, trusted=False)

    def _read_again(self) -> None:
        """Files that changed; what can't be used leaves the old lists, and an older copy takes nothing back."""
        if self._config.crl_directory is None or time.monotonic() < self._looked + LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        state = _state(self._config)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._lists = RevocationLists.from_directory(self._config.crl_directory).not_older_than(self._lists)
        except ConfigurationError as problem:
            _log.error(f"revocation lists not read again: {problem}")


def _state(config: VerificationConfig) -> tuple[tuple[str, int, int], ...]:
    if config.crl_directory is None:
        return ()
    found = []
    for file in revocation_files(config.crl_directory):
        try:
            status = file.stat()
        except OSError:
            continue
        found.append((file.name, status.st_mtime_ns, status.st_size))
    return tuple(found)
