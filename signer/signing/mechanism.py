"""Which of the token's mechanisms makes which signature. The only place where the API's algorithms and the HSM's meet."""

from __future__ import annotations

from hsm.mechanisms import Mechanism
from signer.algorithms import SignatureAlgorithm

_MECHANISMS = {
    SignatureAlgorithm.SM2_SM3: Mechanism.SM2,
    SignatureAlgorithm.RSA_PKCS1_SHA256: Mechanism.RSA_PKCS1_SHA256,
    SignatureAlgorithm.RSA_PKCS1_SHA384: Mechanism.RSA_PKCS1_SHA384,
    SignatureAlgorithm.RSA_PKCS1_SHA512: Mechanism.RSA_PKCS1_SHA512,
    SignatureAlgorithm.RSA_PSS_SHA256: Mechanism.RSA_PSS_SHA256,
    SignatureAlgorithm.RSA_PSS_SHA384: Mechanism.RSA_PSS_SHA384,
    SignatureAlgorithm.RSA_PSS_SHA512: Mechanism.RSA_PSS_SHA512,
}


def token_mechanism(algorithm: SignatureAlgorithm) -> Mechanism:
    """The mechanism that takes the algorithm's digest (SM2: e)."""
    return _MECHANISMS[algorithm]
