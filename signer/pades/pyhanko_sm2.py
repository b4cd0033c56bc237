"""What asn1crypto and pyHanko need to judge SM2/SM3: names for object identifiers, a validator, an algorithm table.

Changes tables of asn1crypto for the whole process, so it belongs into the inspector process (and tests) alone; workers
verify SM2 by `signer.algorithms` and `signer.cms`. Object identifiers: GB/T 33560-2017, those of CMS GB/T 35275-2017.
"""

from __future__ import annotations

from datetime import datetime

from asn1crypto import algos, cms, keys
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from signer.algorithms import SignatureAlgorithm, load_public_key
from signer.errors import SignerError

_SM3 = "1.2.156.10197.1.401"
_SM2_CURVE = "1.2.156.10197.1.301"
_SM2_SM3 = "1.2.156.10197.1.501"
_SM2_IDENTIFIERS = frozenset({_SM2_SM3, "1.2.156.10197.1.301.1"})  # the second one: met in vendors' files
# GB/T 35275-2017 (GM/T 0010): content types of its own for what RFC 5652 calls data and signed-data
_GM_CONTENT_TYPES = {"1.2.156.10197.6.1.4.2.1": "data", "1.2.156.10197.6.1.4.2.2": "signed_data"}


def register_names() -> None:
    """Adds the names; calling it again changes nothing.

    asn1crypto registers curves by a public call, but has none for algorithms: its tables are the only way.
    """
    keys.NamedCurve.register("sm2p256v1", _SM2_CURVE, 32)
    _add_name(algos.DigestAlgorithmId, _SM3, "sm3")
    _add_name(algos.SignedDigestAlgorithmId, _SM2_SM3, "sm3_sm2")
    for identifier in _SM2_IDENTIFIERS - {_SM2_SM3}:
        algos.SignedDigestAlgorithmId._map[identifier] = "sm3_sm2"
    cms.ContentType("data").dump()  # builds the table from names to identifiers first: writing keeps RFC 5652's
    for identifier, name in _GM_CONTENT_TYPES.items():
        cms.ContentType._map[identifier] = name


def _add_name(table: type[algos.DigestAlgorithmId | algos.SignedDigestAlgorithmId], identifier: str, name: str) -> None:
    table._map[identifier] = name
    if table._reverse_map is not None:
        table._reverse_map[name] = identifier


class Sm2SignatureValidator(DefaultSignatureValidator):
    """pyHanko's extension point for algorithms: SM2 by `signer.algorithms`, all others as pyHanko does."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Raises InvalidSignature where the signature is wrong, or where SM2 can't be told from what is given."""
        if signature_algorithm["algorithm"].dotted not in _SM2_IDENTIFIERS:
            super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
            return
        if context.prehashed:
            raise InvalidSignature("without signed attributes the digest lacks Z")
        try:
            key = load_public_key(public_key_info.dump())
            key.verify(SignatureAlgorithm.SM2_SM3, signed_data, signature)
        except SignerError as problem:
            raise InvalidSignature(problem.reason.value) from None


class SignatureAlgorithmPolicy(DisallowWeakAlgorithmsPolicy, CMSAlgorithmUsagePolicy):
    """pyHanko's table (no MD5, no SHA-1, RSA from 2048 bits), and SM3 as the only digest beside SM2.

    asn1crypto can't derive a digest from SM2's identifier, so pyHanko alone would not tie the two together.
    """

    def digest_combination_allowed(
        self,
        signature_algo: algos.SignedDigestAlgorithm,
        message_digest_algo: algos.DigestAlgorithm,
        moment: datetime | None,
    ) -> AlgorithmUsageConstraint:
        """See `CMSAlgorithmUsagePolicy`."""
        is_sm2 = signature_algo["algorithm"].dotted in _SM2_IDENTIFIERS
        if is_sm2 != (message_digest_algo["algorithm"].dotted == _SM3):
            return AlgorithmUsageConstraint(allowed=False, failure_reason="SM2 and SM3 go together")
        return super().digest_combination_allowed(signature_algo, message_digest_algo, moment)
