"""CMS tricks: other signers, other digests, other encodings inside of the signature, with the document as it was signed.

"1 Trillion Dollar Refund" (see `incremental_saving`) has signatures emptied and exchanged; RFC 8933 and RFC 5035 exchanged
digests and certificates; X.690, clause 10, the forms that are no DER. Where nothing signs a part (RFC 5652: certificates,
unsigned attributes) the variant is of our own documents alone: others put timestamps there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from random import Random

from asn1crypto import algos, cms, core, x509

from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.attacker import attacker
from tests.fuzz.sealed_documents import Pki

Change = Callable[[cms.SignedData, Random], None]


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each change of the newest signature's CMS that changes what a reader may believe."""
    gap = document.structure.gaps[-1]
    digits = document.data[gap.start + 1 : gap.end - 1]
    content = bytes.fromhex(digits.decode())
    changes = {**_SIGNED_PARTS, **(_UNSIGNED_PARTS if document.ours else {})}
    for name, change in changes.items():
        info = cms.ContentInfo.load(content)
        try:
            change(info["content"], chance)
            written = (
                info.dump()
            )  # what was not changed stays as it is; forced, asn1crypto takes hours over a timestamp inside
        except (KeyError, IndexError, ValueError, TypeError):
            continue  # this CMS has no such part
        if written != content[: len(written)] and 2 * len(written) <= len(digits):
            yield Attack(name, document.with_signature(written))
    der = content.rstrip(b"\0")
    yield Attack("an indefinite length", document.with_signature(b"\x30\x80" + der[4:] + b"\0\0"))
    yield Attack("a length longer than needed", document.with_signature(b"\x30\x83\0" + der[2:]))
    yield Attack("cut short", document.with_signature(der[: -chance.randrange(1, 200)]))
    yield Attack("bytes behind", document.with_signature(der + chance.randbytes(chance.randrange(1, 30)) + b"\1"))
    at = chance.randrange(len(der))
    yield Attack("a part left out", document.with_signature(der[:at] + der[at + chance.randrange(1, 9) :]))


def _attacker_of(signed: cms.SignedData) -> Pki:
    name = signed["signer_infos"][0]["signature_algorithm"]["algorithm"].native
    return attacker(sm2=name == "sm3_sm2")


def _swapped_certificate(signed: cms.SignedData, chance: Random) -> None:
    certificate = x509.Certificate.load(_attacker_of(signed).certificate)
    signed["certificates"] = [cms.CertificateChoices("certificate", certificate)]
    _name_signer(signed["signer_infos"][0], certificate)


def _attackers_signature(signed: cms.SignedData, chance: Random) -> None:
    """Signs anew what was signed, and leaves the certificates of the true signer first."""
    pki = _attacker_of(signed)
    certificate = x509.Certificate.load(pki.certificate)
    signer = signed["signer_infos"][0]
    attributes = signer["signed_attrs"].untag().dump()
    signer["signature"] = core.OctetString(pki.key.sign(attributes))
    if chance.random() < 0.5:
        _name_signer(signer, certificate)
    signed["certificates"].append(cms.CertificateChoices("certificate", certificate))


def _name_signer(signer: cms.SignerInfo, certificate: x509.Certificate) -> None:
    identifier = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
    signer["sid"] = cms.SignerIdentifier("issuer_and_serial_number", identifier)


def _two_signers(signed: cms.SignedData, chance: Random) -> None:
    signer = signed["signer_infos"][0].copy()
    if chance.random() < 0.5:
        signer["signature"] = core.OctetString(chance.randbytes(64))
    signed["signer_infos"].append(signer)


def _other_digest_name(signed: cms.SignedData, chance: Random) -> None:
    name = chance.choice(["sha1", "md5", "sha224", "sha384"])
    signed["signer_infos"][0]["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": name})


def _weak_digest(signed: cms.SignedData, chance: Random) -> None:
    """Signed anew by the attacker with a digest that nobody should take."""
    name = chance.choice(["sha1", "md5"])
    signer = signed["signer_infos"][0]
    signer["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": name})
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [core.OctetString(hashlib.new(name, b"content").digest())]
    _attackers_signature(signed, chance)


def _other_signature_name(signed: cms.SignedData, chance: Random) -> None:
    name = chance.choice(["sha1_rsa", "sha512_rsa", "sha256_ecdsa", "rsassa_pss", "md5_rsa"])
    signed["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": name})


def _content_inside(signed: cms.SignedData, chance: Random) -> None:
    signed["encap_content_info"]["content"] = core.OctetString(chance.randbytes(32))


def _other_content_type(signed: cms.SignedData, chance: Random) -> None:
    signed["encap_content_info"]["content_type"] = chance.choice(["signed_data", "tst_info", "enveloped_data"])


def _without_attributes(signed: cms.SignedData, chance: Random) -> None:
    signed["signer_infos"][0]["signed_attrs"] = None


def _attributes_turned(signed: cms.SignedData, chance: Random) -> None:
    """Another order of what is signed; one attribute twice."""
    signer = signed["signer_infos"][0]
    attributes = list(signer["signed_attrs"])
    turned = attributes[::-1] if chance.random() < 0.5 else [*attributes, attributes[0]]
    body = b"".join(item.dump() for item in turned)
    signer["signed_attrs"] = cms.CMSAttributes.load(core.SetOf(contents=body, spec=cms.CMSAttribute).dump())


def _signature_changed(signed: cms.SignedData, chance: Random) -> None:
    signature = bytearray(signed["signer_infos"][0]["signature"].native)
    signature[chance.randrange(len(signature))] ^= chance.randrange(1, 256)
    signed["signer_infos"][0]["signature"] = core.OctetString(bytes(signature))


def _signature_longer(signed: cms.SignedData, chance: Random) -> None:
    signature = signed["signer_infos"][0]["signature"].native
    signed["signer_infos"][0]["signature"] = core.OctetString(b"\0" * chance.randrange(1, 9) + signature)


def _no_certificates(signed: cms.SignedData, chance: Random) -> None:
    signed["certificates"] = []


def _junk_certificate(signed: cms.SignedData, chance: Random) -> None:
    certificate = x509.Certificate.load(_attacker_of(signed).certificate)
    signed["certificates"].append(cms.CertificateChoices("certificate", certificate))


def _unsigned_attribute(signed: cms.SignedData, chance: Random) -> None:
    value = core.OctetString(chance.randbytes(chance.randrange(1, 200)))
    attribute = cms.CMSAttribute({"type": f"1.2.3.4.{chance.randrange(99)}", "values": [value]})
    signed["signer_infos"][0]["unsigned_attrs"] = [attribute]


def _other_version(signed: cms.SignedData, chance: Random) -> None:
    signed["version"] = chance.choice(["v3", "v4", "v5"])


def _more_digests(signed: cms.SignedData, chance: Random) -> None:
    signed["digest_algorithms"].append(algos.DigestAlgorithm({"algorithm": chance.choice(["sha1", "sha512"])}))


_SIGNED_PARTS: dict[str, Change] = {
    "a swapped certificate": _swapped_certificate,
    "the attacker's signature": _attackers_signature,
    "two signers": _two_signers,
    "another digest's name": _other_digest_name,
    "a weak digest": _weak_digest,
    "another signature's name": _other_signature_name,
    "content inside": _content_inside,
    "another content type": _other_content_type,
    "no signed attributes": _without_attributes,
    "attributes turned": _attributes_turned,
    "the signature changed": _signature_changed,
    "the signature longer": _signature_longer,
    "no certificates": _no_certificates,
}
_UNSIGNED_PARTS: dict[str, Change] = {
    "a certificate of nobody's": _junk_certificate,
    "an unsigned attribute": _unsigned_attribute,
    "another version": _other_version,
    "more digests": _more_digests,
}
