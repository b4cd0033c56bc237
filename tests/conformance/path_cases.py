"""Certificate paths, good and bad, one fault each: made here, judged by `signer.certificates` and by `openssl verify`.

RSA and SM2 come from the product's own `issue`; P-256 and everything odd from `cryptography`'s builder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import gmssl_pyx
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signer.algorithms import SignatureAlgorithm, SignMessage
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.findings import FindingCode

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FROM, TO = NOW - timedelta(days=100), NOW + timedelta(days=100)
_DAY = timedelta(days=1)
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Case:
    """`code`: what our judgement finds, None where the path is good. `openssl`: whether OpenSSL accepts; mostly the same."""

    leaf: bytes
    others: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    code: FindingCode | None = None
    at: datetime = NOW
    openssl: bool | None = None

    @property
    def openssl_accepts(self) -> bool:
        """OpenSSL's answer."""
        return self.code is None if self.openssl is None else self.openssl


@dataclass
class Draft:
    """A certificate about to be made. `extensions` stand beside basic constraints and key usage."""

    subject: str
    authority: bool = False
    path_length: int | None = None
    usage: tuple[str, ...] | None = None
    valid: tuple[datetime, datetime] = (FROM, TO)
    extensions: list[tuple[x509.ExtensionType, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class Holder:
    """A key pair and its certificate."""

    name: str
    key: PrivateKey
    certificate: bytes

    def issue(self, draft: Draft, key: PrivateKey | None = None) -> Holder:
        """A certificate below this one."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        return Holder(draft.subject, key, _make(draft, key, self.name, self.key))


def root(name: str = "Root", key: PrivateKey | None = None, draft: Draft | None = None) -> Holder:
    """A self-signed authority."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    draft = draft or Draft(name, authority=True)
    return Holder(name, key, _make(draft, key, name, key))


def authority(name: str = "Intermediate", path_length: int | None = None) -> Draft:
    """A plain authority."""
    return Draft(name, authority=True, path_length=path_length)


def leaf(name: str = "Seal") -> Draft:
    """A plain signer."""
    return Draft(name)


def _make(draft: Draft, key: PrivateKey, issuer: str, issuer_key: PrivateKey) -> bytes:
    usage = draft.usage or (("key_cert_sign", "crl_sign") if draft.authority else ("digital_signature",))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(draft.subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(draft.valid[0])
        .not_valid_after(draft.valid[1])
        .add_extension(x509.BasicConstraints(draft.authority, draft.path_length), critical=True)
        .add_extension(x509.KeyUsage(**{name: name in usage for name in _USAGE_NAMES}), critical=True)
    )
    for extension, critical in draft.extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


_USAGE_NAMES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def issued_key(algorithm: SignatureAlgorithm) -> tuple[bytes, SignMessage]:
    """SubjectPublicKeyInfo and what signs: RSA by cryptography, SM2 by gmssl-pyx."""
    if algorithm is SignatureAlgorithm.SM2_SM3:
        point, private = gmssl_pyx.sm2_key_generate()
        spki = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004") + point
        return spki, lambda message: bytes(gmssl_pyx.sm2_sign(private, point, message))
    key = rsa.generate_private_key(65537, 2048)
    digests = {
        SignatureAlgorithm.RSA_PKCS1_SHA256: hashes.SHA256(),
        SignatureAlgorithm.RSA_PKCS1_SHA384: hashes.SHA384(),
        SignatureAlgorithm.RSA_PKCS1_SHA512: hashes.SHA512(),
    }
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki, lambda message: key.sign(message, padding.PKCS1v15(), digests[algorithm])


def issued_chain(algorithm: SignatureAlgorithm) -> tuple[bytes, bytes, bytes]:
    """Seal, intermediate and root by the product's own `issue`."""
    keys = [issued_key(algorithm) for _ in range(3)]
    kinds = (CertificateKind.AUTHORITY, CertificateKind.AUTHORITY, CertificateKind.DOCUMENT_SIGNER)
    made: list[bytes] = []
    for number, (kind, (spki, _)) in enumerate(zip(kinds, keys, strict=True)):
        names = (
            ("country_name", "CN"),
            ("organization_name", "示例财产保险股份有限公司"),
            ("common_name", kind.value + str(number)),
        )
        facts = CertificateFacts(names, spki, kind, FROM, TO, path_length=1 - number if number < 2 else None)
        issuer = Issuer(made[-1] if made else None, algorithm, keys[max(number - 1, 0)][1])
        made.append(issue_certificate(facts, issuer))
    return made[2], made[1], made[0]


def _changed_signature(certificate: bytes) -> bytes:
    """The last byte is in the signature's s: still DER, another number."""
    return certificate[:-1] + bytes((certificate[-1] ^ 1,))


def _with(extension: x509.ExtensionType, *, critical: bool, on: str = "leaf") -> Case:
    top = root()
    middle, end = authority(), leaf()
    (end if on == "leaf" else middle).extensions.append((extension, critical))
    between = top.issue(middle)
    return Case(between.issue(end).certificate, (between.certificate,), (top.certificate,))


def _three(middle: Draft | None = None, end: Draft | None = None, code: FindingCode | None = None) -> Case:
    top = root()
    between = top.issue(middle or authority())
    return Case(between.issue(end or leaf()).certificate, (between.certificate,), (top.certificate,), code)


def _issued(algorithm: SignatureAlgorithm, change: Callable[[bytes], bytes] = bytes) -> Case:
    seal, between, top = issued_chain(algorithm)
    code = None if change is bytes else FindingCode.CERTIFICATE_PATH_INVALID
    return Case(change(seal), (between,), (top,), code)


def _below_a_chain_of(count: int) -> Case:
    top = root()
    made = [top]
    for number in range(count):
        made.append(made[-1].issue(authority(f"Intermediate {number}")))
    end = made[-1].issue(leaf())
    return Case(end.certificate, tuple(holder.certificate for holder in made[1:]), (top.certificate,))


def _other_key_same_name() -> Case:
    top, stranger = root(), root()
    end = stranger.issue(leaf())
    return Case(end.certificate, (), (top.certificate,), FindingCode.CERTIFICATE_PATH_INVALID)


def _loop() -> Case:
    """Two authorities that certify each other, and nobody trusted above them."""
    first, second = root("First"), root("Second")
    crossed = first.issue(authority("Second"), second.key), second.issue(authority("First"), first.key)
    others = tuple(holder.certificate for holder in crossed)
    end = second.issue(leaf())
    return Case(end.certificate, others, (root().certificate,), FindingCode.CERTIFICATE_PATH_NOT_FOUND)


def _several_ways() -> Case:
    """Three certificates of one authority: two lead nowhere, the last one to the anchor."""
    top, key = root(), ec.generate_private_key(ec.SECP256R1())
    ways = [
        root("Untrusted").issue(authority(), key),
        top.issue(Draft("Intermediate", authority=True, valid=(FROM, NOW - _DAY)), key),
        top.issue(authority(), key),
    ]
    end = ways[2].issue(leaf())
    return Case(end.certificate, tuple(holder.certificate for holder in ways), (top.certificate,))


def _rsa(bits: int = 2048) -> Case:
    top = root(key=rsa.generate_private_key(65537, 2048))
    end = top.issue(leaf(), rsa.generate_private_key(65537, bits))
    return Case(end.certificate, (), (top.certificate,))


def _sha1_signed(certificate: bytes, key: PrivateKey) -> bytes:
    """The certificate with SHA-1 in place of SHA-256; `cryptography` no longer signs such ones itself."""
    assert isinstance(key, rsa.RSAPrivateKey)
    changed = certificate.replace(_RSA_WITH_SHA256, _RSA_WITH_SHA1)
    signed = asn1_x509.Certificate.load(changed)
    tbs: bytes = signed["tbs_certificate"].dump()
    return changed[:-256] + key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())


_RSA_WITH_SHA256 = bytes.fromhex("06092a864886f70d01010b")
_RSA_WITH_SHA1 = bytes.fromhex("06092a864886f70d010105")


def _sha1() -> Case:
    top = root(key=rsa.generate_private_key(65537, 2048))
    end = _sha1_signed(top.issue(leaf()).certificate, top.key)
    return Case(end, (), (top.certificate,), FindingCode.CERTIFICATE_WEAK)


def _sha1_in_the_anchor() -> Case:
    """What signs an anchor does not matter: nobody relies on it."""
    top = root(key=rsa.generate_private_key(65537, 2048))
    return Case(top.issue(leaf()).certificate, (), (_sha1_signed(top.certificate, top.key),))


def _mixed() -> Case:
    top = root(key=rsa.generate_private_key(65537, 3072))
    between = top.issue(authority())
    end = between.issue(leaf(), rsa.generate_private_key(65537, 2048))
    return Case(end.certificate, (between.certificate,), (top.certificate,))


def _leaf_is_anchor() -> Case:
    only = root("Alone", draft=Draft("Alone"))
    return Case(only.certificate, (), (only.certificate,))


def _self_signed_stranger() -> Case:
    only = root("Alone", draft=Draft("Alone"))
    return Case(only.certificate, (only.certificate,), (root().certificate,), FindingCode.CERTIFICATE_PATH_NOT_FOUND)


def _changed_intermediate() -> Case:
    case = _three(code=FindingCode.CERTIFICATE_PATH_INVALID)
    return replace(case, others=(_changed_signature(case.others[0]),))


def _without_intermediate() -> Case:
    return replace(_three(), others=(), code=FindingCode.CERTIFICATE_PATH_NOT_FOUND)


def _at(moment: datetime, code: FindingCode | None) -> Case:
    return replace(_three(), code=code, at=moment)


def _refused(case: Case, code: FindingCode, *, openssl: bool | None = None) -> Case:
    return replace(case, code=code, openssl=openssl)


_EXPIRED, _EARLY = FindingCode.CERTIFICATE_EXPIRED, FindingCode.CERTIFICATE_NOT_YET_VALID
_INVALID, _USAGE, _WEAK = (
    FindingCode.CERTIFICATE_PATH_INVALID,
    FindingCode.CERTIFICATE_USAGE,
    FindingCode.CERTIFICATE_WEAK,
)
_UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
_NAMES = x509.NameConstraints(permitted_subtrees=[x509.DirectoryName(_name("Seal"))], excluded_subtrees=None)
_POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])
_POLICY_CONSTRAINTS = x509.PolicyConstraints(require_explicit_policy=5, inhibit_policy_mapping=None)
_TLS_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
_EMAIL = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])

CASES: dict[str, Callable[[], Case]] = {
    "three of P-256": _three,
    "three of SM2": lambda: _issued(SignatureAlgorithm.SM2_SM3),
    "three of RSA with SHA-256": lambda: _issued(SignatureAlgorithm.RSA_PKCS1_SHA256),
    "three of RSA with SHA-384": lambda: _issued(SignatureAlgorithm.RSA_PKCS1_SHA384),
    "three of RSA with SHA-512": lambda: _issued(SignatureAlgorithm.RSA_PKCS1_SHA512),
    "RSA above P-256 above RSA": _mixed,
    "a changed signature of SM2": lambda: _issued(SignatureAlgorithm.SM2_SM3, _changed_signature),
    "a changed signature of RSA": lambda: _issued(SignatureAlgorithm.RSA_PKCS1_SHA256, _changed_signature),
    "a changed signature of an intermediate": _changed_intermediate,
    "another key under the anchor's name": _other_key_same_name,
    "no intermediate": _without_intermediate,
    "the first moment": lambda: _at(FROM, None),
    "the last moment": lambda: replace(_at(TO, None), openssl=False),  # RFC 5280, 4.1.2.5: inclusive; not so in OpenSSL
    "a second too early": lambda: _at(FROM - timedelta(seconds=1), _EARLY),
    "a second too late": lambda: _at(TO + timedelta(seconds=1), _EXPIRED),
    "an expired leaf": lambda: _three(end=Draft("Seal", valid=(FROM, NOW - _DAY)), code=_EXPIRED),
    "an early leaf": lambda: _three(end=Draft("Seal", valid=(NOW + _DAY, TO)), code=_EARLY),
    "an expired intermediate": lambda: _three(
        Draft("Intermediate", authority=True, valid=(FROM, NOW - _DAY)), code=_EXPIRED
    ),
    "an issuer that is no authority": lambda: _three(Draft("Intermediate"), code=_INVALID),
    "an issuer that is no authority but may sign certificates": lambda: _three(
        Draft("Intermediate", usage=("key_cert_sign",)), code=_INVALID
    ),
    "an issuer that may not sign certificates": lambda: _three(
        Draft("Intermediate", authority=True, usage=("crl_sign",)), code=_INVALID
    ),
    "a path length of 0 kept": lambda: _three(authority(path_length=0)),
    "a path length of 0 broken": lambda: _refused(_path_length_broken(), _INVALID),
    "an unknown critical extension on the leaf": lambda: _refused(_with(_UNKNOWN_EXTENSION, critical=True), _INVALID),
    "an unknown critical extension above": lambda: _refused(
        _with(_UNKNOWN_EXTENSION, critical=True, on="issuer"), _INVALID
    ),
    "an unknown extension": lambda: _with(_UNKNOWN_EXTENSION, critical=False),
    # OpenSSL processes these, we don't
    "critical name constraints": lambda: _refused(_with(_NAMES, critical=True, on="issuer"), _INVALID, openssl=True),
    "name constraints": lambda: _refused(_with(_NAMES, critical=False, on="issuer"), _INVALID, openssl=True),
    "critical policy constraints": lambda: _refused(
        _with(_POLICY_CONSTRAINTS, critical=True, on="issuer"), _INVALID, openssl=True
    ),
    "critical policies": lambda: _with(_POLICY, critical=True),
    # OpenSSL is not asked for a purpose
    "for TLS servers": lambda: _refused(_with(_TLS_ONLY, critical=False), _USAGE, openssl=True),
    "for e-mail": lambda: _with(_EMAIL, critical=True),
    "a leaf that may not sign": lambda: _refused(
        _three(end=Draft("Seal", usage=("key_encipherment",))), _USAGE, openssl=True
    ),
    "a leaf that may only commit": lambda: _three(end=Draft("Seal", usage=("content_commitment",))),
    "an RSA key of 1,024 bits": lambda: _refused(_rsa(bits=1024), _WEAK),
    "an RSA key of 2,048 bits": _rsa,
    "SHA-1": _sha1,
    "SHA-1 in an anchor": _sha1_in_the_anchor,
    "a loop": _loop,
    "several ways": lambda: replace(_several_ways(), openssl=False),  # OpenSSL does not turn back
    "six intermediates": lambda: _below_a_chain_of(6),
    "seven intermediates": lambda: _refused(_below_a_chain_of(7), FindingCode.CERTIFICATE_PATH_NOT_FOUND, openssl=True),
    "the leaf is the anchor": _leaf_is_anchor,
    "a stranger that signed itself": _self_signed_stranger,
}


def _path_length_broken() -> Case:
    top = root()
    upper = top.issue(authority("Upper", path_length=0))
    lower = upper.issue(authority("Lower"))
    end = lower.issue(leaf())
    return Case(end.certificate, (lower.certificate, upper.certificate), (top.certificate,))


@cache
def case(name: str) -> Case:
    """The case of that name, made once."""
    return CASES[name]()
