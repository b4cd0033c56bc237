"""CMS over messages: a message key's signature with its certificate around it. Not for documents: those are sealed by `documents`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from signer.algorithms import SignatureAlgorithm, content_digest
from signer.audit import Receipt
from signer.authz import Actor
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.deadline import Deadline
from signer.errors import Reason, RequestError
from signer.keys import KeyVersion
from signer.signing.signer import Signer


@dataclass(frozen=True)
class SignedMessage:
    """`cms`: ContentInfo, DER."""

    cms: bytes
    key: KeyVersion
    receipt: Receipt


class MessageSigning:
    """Signs messages as CMS SignedData: RFC 5652 around RSA, GB/T 35275 object identifiers around SM2."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._builders: dict[tuple[str, SignatureAlgorithm, bool], SignedDataBuilder] = {}

    def sign(
        self,
        actor: Actor,
        *,
        key: str,
        algorithm: SignatureAlgorithm,
        content: bytes,
        detached: bool,
        include_chain: bool,
        deadline: Deadline,
    ) -> SignedMessage:
        """Signs the content.

        Raises:
            RequestError, AccessError: as `Signer.sign`; KEY_PURPOSE also where the key has no certificate.
            HsmError, ApplianceError: nothing was released.
        """
        sign = self._signer.message_signer(actor, key, algorithm, deadline)
        builder = self._builder(sign.key, sign.algorithm, include_chain)
        cms = builder.build(
            content_digest(sign.algorithm, content),
            sign,
            content=None if detached else content,
            signing_time=datetime.now(UTC),
        )
        return SignedMessage(cms, sign.key, sign.receipts[0])

    def _builder(self, key: KeyVersion, algorithm: SignatureAlgorithm, include_chain: bool) -> SignedDataBuilder:
        if not key.certificate_chain:
            raise RequestError(
                Reason.KEY_PURPOSE,
                f"the key {key.reference} has no certificate",
                "Use Sign, or a key with a certificate.",
            )
        wanted = (key.reference, algorithm, include_chain)
        if wanted not in self._builders:
            sm2 = algorithm is SignatureAlgorithm.SM2_SM3
            self._builders[wanted] = SignedDataBuilder.for_certificate(
                key.certificate_chain[0],
                key.certificate_chain[1:] if include_chain else (),
                algorithm,
                identifiers=Identifiers.GBT_35275 if sm2 else Identifiers.RFC_5652,
            )
        return self._builders[wanted]
