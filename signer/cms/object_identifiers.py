"""The object identifiers of CMS, of its attributes, and of the algorithms in it, as encoded elements."""

from __future__ import annotations

from signer.algorithms import SignatureAlgorithm, digest_name
from signer.cms.der import INTEGER, NULL, SEQUENCE, encode, object_identifier

RFC_DATA = object_identifier("1.2.840.113549.1.7.1")
RFC_SIGNED_DATA = object_identifier("1.2.840.113549.1.7.2")
GBT_DATA = object_identifier("1.2.156.10197.6.1.4.2.1")  # GB/T 35275-2017
GBT_SIGNED_DATA = object_identifier("1.2.156.10197.6.1.4.2.2")

# Our own, made of a UUID (ITU-T X.667): the content is a report on the verification of a document.
VERIFICATION_REPORT = object_identifier("2.25.283731452785965366001474367183967271460")

CONTENT_TYPE = object_identifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = object_identifier("1.2.840.113549.1.9.4")
SIGNING_TIME = object_identifier("1.2.840.113549.1.9.5")
SIGNING_CERTIFICATE = object_identifier("1.2.840.113549.1.9.16.2.12")  # RFC 2634
SIGNING_CERTIFICATE_V2 = object_identifier("1.2.840.113549.1.9.16.2.47")  # RFC 5035
SIGNATURE_TIMESTAMP = object_identifier("1.2.840.113549.1.9.16.2.14")  # RFC 3161, appendix A
TST_INFO = object_identifier("1.2.840.113549.1.9.16.1.4")  # RFC 3161, 2.4.2

RSA_ENCRYPTION = object_identifier("1.2.840.113549.1.1.1")
RSASSA_PSS = object_identifier("1.2.840.113549.1.1.10")
_MGF1 = object_identifier("1.2.840.113549.1.1.8")
SM2_SIGNATURES = (
    object_identifier("1.2.156.10197.1.501"),  # SM2 with SM3, GB/T 33560
    object_identifier("1.2.156.10197.1.301.1"),  # SM2 signature, met in vendors' files
)

DIGESTS = {
    "sm3": object_identifier("1.2.156.10197.1.401"),
    "sha256": object_identifier("2.16.840.1.101.3.4.2.1"),
    "sha384": object_identifier("2.16.840.1.101.3.4.2.2"),
    "sha512": object_identifier("2.16.840.1.101.3.4.2.3"),
}
RSA_WITH = {
    "sha256": object_identifier("1.2.840.113549.1.1.11"),
    "sha384": object_identifier("1.2.840.113549.1.1.12"),
    "sha512": object_identifier("1.2.840.113549.1.1.13"),
}
_PSS_SALT = {"sha256": 32, "sha384": 48, "sha512": 64}


def digest_algorithm(name: str) -> bytes:
    """AlgorithmIdentifier of a digest, parameters absent (RFC 5754 clause 2)."""
    return encode(SEQUENCE, DIGESTS[name])


def pss_parameters(name: str, *, hash_null: bool = True) -> bytes:
    """RSASSA-PSS-params (RFC 4055 clause 3.1): one digest for all, salt as long as it; with or without NULL beside the hash."""
    hash_algorithm = encode(SEQUENCE, DIGESTS[name], NULL if hash_null else b"")
    return encode(
        SEQUENCE,
        encode(0xA0, hash_algorithm),
        encode(0xA1, encode(SEQUENCE, _MGF1, hash_algorithm)),
        encode(0xA2, encode(INTEGER, bytes((_PSS_SALT[name],)))),
    )


def signature_algorithm(algorithm: SignatureAlgorithm) -> bytes:
    """AlgorithmIdentifier of a signature: SM2 without parameters, RSA PKCS#1 with NULL, PSS with its own."""
    name = digest_name(algorithm)
    if algorithm is SignatureAlgorithm.SM2_SM3:
        return encode(SEQUENCE, SM2_SIGNATURES[0])
    if algorithm.name.startswith("RSA_PSS"):
        return encode(SEQUENCE, RSASSA_PSS, pss_parameters(name))
    return encode(SEQUENCE, RSA_WITH[name], NULL)


def find_algorithm(digest: bytes, signature: bytes, parameters: bytes) -> SignatureAlgorithm | None:
    """The algorithm of a SignerInfo; None where digest and signature don't belong together or aren't known.

    `digest` and `signature` are encoded object identifiers, `parameters` the encoded parameters of the signature algorithm.
    """
    name = next((name for name, oid in DIGESTS.items() if oid == digest), None)
    if name == "sm3":
        fits = signature in SM2_SIGNATURES and parameters in {b"", NULL}
        return SignatureAlgorithm.SM2_SM3 if fits else None
    if name is None:
        return None
    suffix = name.upper()
    if signature in {RSA_ENCRYPTION, RSA_WITH[name]} and parameters in {b"", NULL}:
        return SignatureAlgorithm[f"RSA_PKCS1_{suffix}"]
    if signature == RSASSA_PSS and parameters in {pss_parameters(name), pss_parameters(name, hash_null=False)}:
        return SignatureAlgorithm[f"RSA_PSS_{suffix}"]
    return None
