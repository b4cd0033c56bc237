"""Electronic seals between the product and others: asn1crypto takes ours apart, gmssl-pyx judges; and the other way round."""

from __future__ import annotations

from datetime import timedelta

import gmssl_pyx
import pytest

from signer.cms.electronic_seal import build_electronic_seal, build_seal_signature, certificate_digest
from signer.cms.electronic_seal_structure import ElectronicSealInfo, SealGeneration
from signer.cms.electronic_seal_verify import verify_electronic_seal, verify_seal_signature
from tests.conformance.electronic_seal_asn1 import (
    PICTURE,
    SIGNED_AT,
    SM2_WITH_SM3,
    VALID,
    CertificateDigestList,
    CertificateList,
    Draft,
    Seal4,
    Signature4,
    gmssl_verifies,
    seal_maker,
    sealer,
)

HASH = bytes(gmssl_pyx.sm3_hash(b"the protected bytes of a document"))


def _information(*, by_digests: bool) -> ElectronicSealInfo:
    certificate = sealer().certificate
    return ElectronicSealInfo(
        es_id="51010000000001",
        name="示例财产保险股份有限公司电子保单专用章",
        picture_type="PNG",
        picture=PICTURE,
        width_mm=42,
        height_mm=41,
        certificates=() if by_digests else (certificate,),
        certificate_digests=(certificate_digest(certificate),) if by_digests else (),
        created_at=VALID[0],
        valid_from=VALID[0],
        valid_to=VALID[1],
        vid="APPL",
    )


@pytest.mark.parametrize("by_digests", [False, True], ids=["certificates", "digests"])
def test_others_read_our_seal_and_find_its_maker_right(by_digests: bool) -> None:
    maker = seal_maker()
    ours = build_electronic_seal(_information(by_digests=by_digests), maker.certificate, maker.key.sign)
    read = Seal4.load(ours, strict=True)
    assert read.dump(force=True) == ours, "asn1crypto writes it in other bytes"
    info = read["info"]
    assert info["header"].native == {"id": "ES", "version": 4, "vid": "APPL"}
    assert info["es_id"].native == "51010000000001"
    facts = info["property"]
    assert facts["name"].native == "示例财产保险股份有限公司电子保单专用章"
    assert (facts["created"].native, facts["valid_from"].native, facts["valid_to"].native) == (VALID[0], *VALID)
    listed = facts["list"].parse(CertificateDigestList if by_digests else CertificateList)
    certificate = sealer().certificate
    if by_digests:
        assert listed.native == [{"type": "SM3", "value": bytes(gmssl_pyx.sm3_hash(certificate))}]
    else:
        assert listed.native == [certificate]
    assert info["picture"].native == {"type": "PNG", "data": PICTURE, "width": 42, "height": 41}
    assert read["certificate"].native == maker.certificate
    assert read["algorithm"].dotted == SM2_WITH_SM3
    assert gmssl_verifies(maker.certificate, info.dump(), read["value"].native)
    assert not gmssl_verifies(maker.certificate, info.dump() + b".", read["value"].native)


def test_others_read_our_signature_and_find_its_signer_right() -> None:
    maker, who = seal_maker(), sealer()
    seal = build_electronic_seal(_information(by_digests=False), maker.certificate, maker.key.sign)
    stamped: list[bytes] = []

    def stamp(value: bytes) -> bytes:
        stamped.append(value)
        return b"0\x03\x02\x01\x07"

    ours = build_seal_signature(seal, HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign, stamp)
    read = Signature4.load(ours, strict=True)
    assert read.dump(force=True) == ours
    to_sign = read["to_sign"]
    assert to_sign["version"].native == 4
    assert to_sign["seal"].dump() == seal
    assert to_sign["time"].native == SIGNED_AT
    assert to_sign["data_hash"].native == HASH
    assert to_sign["property_info"].native == "Sig1"
    assert read["certificate"].native == who.certificate
    assert gmssl_verifies(who.certificate, to_sign.dump(), read["value"].native)
    assert read["timestamp"].native == b"0\x03\x02\x01\x07"
    assert stamped == [read["value"].native]


@pytest.mark.parametrize("version", [1, 4, 5])
def test_we_find_others_seals_right(version: int) -> None:
    draft = Draft(version=version)
    seal = verify_electronic_seal(draft.made_seal())
    assert seal.generation is SealGeneration(version)
    assert seal.name == "示例财产保险股份有限公司电子保单专用章"
    assert (seal.valid_from, seal.valid_to) == VALID
    assert seal.maker_certificate == seal_maker().certificate
    evidence = verify_seal_signature(draft.made_signature(HASH), HASH)
    assert evidence.seal == seal
    assert evidence.signer_certificate == sealer().certificate
    assert evidence.signed_at == SIGNED_AT
    assert evidence.property_info == "Sig1"
    assert evidence.timestamp == b""


def test_we_find_what_is_optional_in_others_seals() -> None:
    known = {"extn_id": "1.2.3.4", "extn_value": b"whatever"}
    for draft in (
        Draft(version=4, by_digests=True),
        Draft(version=4, by_digests=True, digest_kind="1.2.156.10197.1.401"),
        Draft(version=5, by_digests=True, seal_timestamp=b"token"),
        Draft(version=4, seal_extensions=[known], extensions=[known]),
        Draft(version=4, algorithm="1.2.156.10197.1.301.1"),
        Draft(version=4, listed=[seal_maker().certificate, sealer().certificate]),
        Draft(version=1, time_info=SIGNED_AT.strftime("%y%m%d%H%M%SZ").encode()),
        Draft(version=1, time_info=SIGNED_AT.strftime("%Y%m%d%H%M%SZ").encode()),
    ):
        assert verify_seal_signature(draft.made_signature(HASH), HASH).signed_at == SIGNED_AT
    stamped = verify_seal_signature(Draft(version=4, timestamp=b"token").made_signature(HASH), HASH)
    assert stamped.timestamp == b"token"
    old = verify_seal_signature(Draft(version=1, time_info=b"0\x80token").made_signature(HASH), HASH)
    assert (old.signed_at, old.timestamp) == (None, b"0\x80token")


def test_times_are_written_in_utc_to_the_second() -> None:
    maker, who = seal_maker(), sealer()
    seal = build_electronic_seal(_information(by_digests=False), maker.certificate, maker.key.sign)
    moment = SIGNED_AT + timedelta(microseconds=7)
    made = build_seal_signature(seal, HASH, moment, "Sig1", who.certificate, who.key.sign)
    assert verify_seal_signature(made, HASH).signed_at == SIGNED_AT
