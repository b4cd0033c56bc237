"""What we ask a token to do, free of any vendor's numbers (`vendor_profile` has those). No behaviour."""

from __future__ import annotations

from enum import Enum


class Mechanism(Enum):
    """Signature mechanisms. RSA: the data is the digest; SM2: the data is e = SM3(Z ‖ M), the result r ‖ s."""

    SM2 = "sm2"
    RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
    RSA_PKCS1_SHA384 = "rsa-pkcs1-sha384"
    RSA_PKCS1_SHA512 = "rsa-pkcs1-sha512"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    RSA_PSS_SHA384 = "rsa-pss-sha384"
    RSA_PSS_SHA512 = "rsa-pss-sha512"


# Bytes of data that each takes, exactly: a digest of another length would make a signature that means something else.
DATA_BYTES = {
    Mechanism.SM2: 32,
    Mechanism.RSA_PKCS1_SHA256: 32,
    Mechanism.RSA_PKCS1_SHA384: 48,
    Mechanism.RSA_PKCS1_SHA512: 64,
    Mechanism.RSA_PSS_SHA256: 32,
    Mechanism.RSA_PSS_SHA384: 48,
    Mechanism.RSA_PSS_SHA512: 64,
}
