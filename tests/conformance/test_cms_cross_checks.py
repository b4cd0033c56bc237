"""CMS between the product and others: `openssl cms` with RSA in both directions, gmssl-pyx on the parts with SM2.

`openssl cms` 3.0 can't judge SM2 in CMS (there is no way to give the ID), so asn1crypto takes the structure apart and
gmssl-pyx judges digest, signature and certificate.
"""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import gmssl_pyx
import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import parser, pem, tsp

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest, digest_name
from signer.cms.signed_data import Identifiers
from signer.cms.verify import verify_signed_data
from tests.conformance.message_signers import RSA_ALGORITHMS, MessageSigner, signer
from tests.conformance.path_cases import NOW

assert tsp.SigningCertificateV2  # importing it teaches asn1crypto the attribute
CONTENT = "保单号 P0001，保费 1234.56 元\r\n".encode() * 40
EVERY_RSA = pytest.mark.parametrize("algorithm", RSA_ALGORITHMS, ids=[item.name for item in RSA_ALGORITHMS])
ATTACHED = pytest.mark.parametrize("attached", [True, False], ids=["attached", "detached"])


def _openssl_cms(directory: Path, *options: str | Path, check: bool = False) -> subprocess.CompletedProcess[bytes]:
    command = ("openssl", "cms", "-binary", *options)
    return subprocess.run(command, capture_output=True, check=check, cwd=directory)


def _openssl_verifies(directory: Path, who: MessageSigner, cms: bytes, content: bytes | None) -> bytes | None:
    """What OpenSSL says was signed, None where it refuses."""
    (directory / "message.der").write_bytes(cms)
    (directory / "root.pem").write_bytes(pem.armor("CERTIFICATE", who.root))
    options: tuple[str, ...] = ()
    if content is not None:
        (directory / "content").write_bytes(content)
        options = ("-content", "content")
    answer = _openssl_cms(
        *(directory, "-verify", "-cades", "-inform", "DER", "-in", "message.der", "-CAfile", "root.pem"),
        *("-purpose", "any", "-attime", str(int(NOW.timestamp())), *options),
    )
    return answer.stdout if answer.returncode == 0 else None


@EVERY_RSA
@ATTACHED
def test_openssl_accepts_ours(algorithm: Algorithm, attached: bool, tmp_path: Path) -> None:
    """With -cades: OpenSSL also checks signing-certificate-v2."""
    who = signer(algorithm)
    cms = who.cms(CONTENT, attached=attached)
    assert _openssl_verifies(tmp_path, who, cms, None if attached else CONTENT) == CONTENT
    if attached:
        changed = cms.replace(b"1234.56", b"9234.56", 1)
        assert _openssl_verifies(tmp_path, who, changed, None) is None
    else:
        assert _openssl_verifies(tmp_path, who, cms, CONTENT + b".") is None


@EVERY_RSA
def test_openssl_accepts_ours_with_a_signing_time(algorithm: Algorithm, tmp_path: Path) -> None:
    who = signer(algorithm)
    digest = content_digest(algorithm, CONTENT)
    for moment in (NOW, datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)):
        cms = who.builder().build(digest, who.sign, content=CONTENT, signing_time=moment)
        assert _openssl_verifies(tmp_path, who, cms, None) == CONTENT


@EVERY_RSA
@ATTACHED
@pytest.mark.parametrize("form", ["plain", "no attributes", "by key identifier", "cades"])
def test_ours_accepts_openssl(algorithm: Algorithm, attached: bool, form: str, tmp_path: Path) -> None:
    who = signer(algorithm)
    (tmp_path / "signer.pem").write_bytes(pem.armor("CERTIFICATE", who.certificate))
    (tmp_path / "key.pem").write_bytes(who.private)
    (tmp_path / "content").write_bytes(CONTENT)
    options = {"plain": (), "no attributes": ("-noattr",), "by key identifier": ("-keyid",), "cades": ("-cades",)}[form]
    pss = "PSS" in algorithm.name
    made = _openssl_cms(
        *(tmp_path, "-sign", "-in", "content", "-signer", "signer.pem", "-inkey", "key.pem", "-outform", "DER"),
        *("-md", digest_name(algorithm), *options, *(("-nodetach",) if attached else ())),
        *(("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest") if pss else ()),
        check=True,
    ).stdout
    evidence = verify_signed_data(made, detached_content=None if attached else CONTENT)
    assert evidence.algorithm is algorithm
    assert evidence.signer_certificate == who.certificate
    assert evidence.content == (CONTENT if attached else None)
    assert evidence.names_its_certificate is (form == "cades")
    assert (evidence.signing_time is None) is (form == "no attributes")


def _signed_data(cms: bytes) -> asn1_cms.SignedData:
    wrapped = asn1_cms.ContentInfo.load(cms, strict=True)["content"].dump()
    return asn1_cms.SignedData.load(parser.parse(wrapped, strict=True)[4], strict=True)


@ATTACHED
@pytest.mark.parametrize("identifiers", Identifiers)
def test_gmssl_accepts_the_parts_of_ours(attached: bool, identifiers: Identifiers) -> None:
    who = signer(Algorithm.SM2_SM3)
    cms = who.cms(CONTENT, attached=attached, identifiers=identifiers)
    outer = asn1_cms.ContentInfo.load(cms, strict=True)
    gbt = identifiers is Identifiers.GBT_35275
    data_type = "1.2.156.10197.6.1.4.2.1" if gbt else "1.2.840.113549.1.7.1"
    assert outer["content_type"].dotted == ("1.2.156.10197.6.1.4.2.2" if gbt else "1.2.840.113549.1.7.2")
    signed = _signed_data(cms)
    info = signed["signer_infos"][0]
    assert signed["encap_content_info"]["content_type"].dotted == data_type
    assert signed["digest_algorithms"][0]["algorithm"].dotted == "1.2.156.10197.1.401"
    assert info["digest_algorithm"].dump() == bytes.fromhex("300a06082a811ccf55018311")
    assert info["signature_algorithm"].dump() == bytes.fromhex("300a06082a811ccf55018375")  # no parameters
    attributes = {item["type"].dotted: item["values"][0] for item in info["signed_attrs"]}
    assert attributes["1.2.840.113549.1.9.3"].dotted == data_type
    assert attributes["1.2.840.113549.1.9.4"].native == gmssl_pyx.sm3_hash(CONTENT)
    as_set = b"\x31" + info["signed_attrs"].dump()[1:]
    assert gmssl_pyx.sm2_verify(who.public_key[-64:], as_set, info["signature"].native)
    assert not gmssl_pyx.sm2_verify(who.public_key[-64:], as_set + b"\x00", info["signature"].native)
    named = attributes["1.2.840.113549.1.9.16.2.47"]["certs"][0]
    assert named["hash_algorithm"]["algorithm"].dotted == "1.2.156.10197.1.401"
    assert named["cert_hash"].native == gmssl_pyx.sm3_hash(who.certificate)


def test_the_certificate_is_named_by_the_messages_own_digest() -> None:
    """RFC 5035 clause 4: SHA-256 is the default and stays out of DER; others are written."""
    for algorithm in RSA_ALGORITHMS:
        who = signer(algorithm)
        info = _signed_data(who.cms(CONTENT))["signer_infos"][0]
        attributes = {item["type"].dotted: item["values"][0] for item in info["signed_attrs"]}
        first = attributes["1.2.840.113549.1.9.16.2.47"]["certs"][0]
        name = digest_name(algorithm)
        assert first["cert_hash"].native == hashlib.new(name, who.certificate).digest()
        assert bytes.fromhex("0609608648016503040201") not in first.dump()
        assert first["hash_algorithm"]["algorithm"].native == name
        assert first["issuer_serial"]["serial_number"].native == info["sid"].chosen["serial_number"].native
