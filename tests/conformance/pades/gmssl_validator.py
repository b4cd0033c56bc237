"""SM2 for pyHanko by GmSSL, so that the judge shares no code with us."""

from __future__ import annotations

import gmssl_pyx
from asn1crypto import algos, keys
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)


class GmsslValidator(DefaultSignatureValidator):
    """pyHanko's extension point for algorithms."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Raises InvalidSignature."""
        if signature_algorithm["algorithm"].dotted != "1.2.156.10197.1.501":
            super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
            return
        point = public_key_info["public_key"].native[1:]
        if not gmssl_pyx.sm2_verify(point, signed_data, signature):
            raise InvalidSignature
