"""Electronic seals, rule by rule: what is refused, and how each refusal is told. Acceptance: tests/conformance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import gmssl_pyx
import pytest

from signer.cms.der import NULL, SEQUENCE, DerError, encode, integer, read
from signer.cms.electronic_seal import build_electronic_seal, build_seal_signature
from signer.cms.electronic_seal_structure import (
    MAX_SEAL_BYTES,
    MAX_SEAL_SIGNATURE_BYTES,
    CertificateDigest,
    ElectronicSealInfo,
    read_electronic_seal,
    read_seal_signature,
)
from signer.cms.electronic_seal_verify import check_validity, verify_electronic_seal, verify_seal_signature
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode
from tests.conformance.electronic_seal_asn1 import PICTURE, SIGNED_AT, VALID, Draft, seal_maker, sealer
from tests.fuzz.sealed_documents import RSA, SM2, new_pki

HASH = bytes(gmssl_pyx.sm3_hash(b"the protected bytes of a document"))
VERSIONS = pytest.mark.parametrize("version", [1, 4, 5])
_CRITICAL = {"extn_id": "1.2.3.4", "critical": True, "extn_value": b""}


def _refused(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(VerificationError) as caught:
        call(*arguments)
    return caught.value.finding_code


def _signature_refused(draft: Draft, data_hash: bytes = HASH) -> str:
    return _refused(verify_seal_signature, draft.made_signature(HASH), data_hash)


@VERSIONS
def test_the_seal_on_another_document_is_found(version: int) -> None:
    draft = Draft(version=version)
    verify_seal_signature(draft.made_signature(HASH), HASH)
    for other in (bytes(32), HASH[:-1], HASH + b"\0", b""):
        assert _signature_refused(draft, other) == FindingCode.CONTENT_MODIFIED


@VERSIONS
def test_somebody_elses_seal_is_found(version: int) -> None:
    """A seal can be copied from any document; it must list whoever uses it."""
    thief = new_pki(SM2, "Thief")
    stolen = Draft(version=version).made_seal()
    draft = Draft(version=version, signer=thief, seal=stolen)
    assert _signature_refused(draft) == FindingCode.SEAL_NOT_FOR_SIGNER
    for wrong in ([], [thief.root]):
        draft = Draft(version=version, signer=thief, listed=wrong)
        assert _signature_refused(draft) == FindingCode.SEAL_NOT_FOR_SIGNER


@VERSIONS
def test_a_seal_that_its_maker_did_not_sign_is_found(version: int) -> None:
    chance = random.Random(version)
    seal = Draft(version=version).made_seal()
    start, end = seal.index(PICTURE), seal.index(PICTURE) + len(PICTURE)
    for position in chance.sample(range(start, end), 20):
        changed = bytearray(seal)
        changed[position] ^= 1 << chance.randrange(8)
        assert _refused(verify_electronic_seal, bytes(changed)) == FindingCode.SEAL_FORGED
        assert _signature_refused(Draft(version=version, seal=bytes(changed))) == FindingCode.SEAL_FORGED


@VERSIONS
def test_every_changed_byte_is_found(version: int) -> None:
    chance = random.Random(version)
    whole = Draft(version=version).made_signature(HASH)
    for position in [*range(80), *chance.sample(range(80, len(whole)), 150), *range(len(whole) - 80, len(whole))]:
        changed = bytearray(whole)
        changed[position] ^= 1 << chance.randrange(8)
        _refused(verify_seal_signature, bytes(changed), HASH)


def test_a_digest_list_of_other_certificates_is_found() -> None:
    draft = Draft(by_digests=True, listed=[sealer().root])
    assert _signature_refused(draft) == FindingCode.SEAL_NOT_FOR_SIGNER
    assert _signature_refused(Draft(by_digests=True, digest_kind="SHA256")) == FindingCode.SEAL_NOT_FOR_SIGNER


def test_what_is_not_understood_and_critical_is_not_relied_on() -> None:
    for draft in (Draft(seal_extensions=[_CRITICAL]), Draft(extensions=[_CRITICAL])):
        assert _signature_refused(draft) == FindingCode.SIGNATURE_UNSUPPORTED


def test_other_algorithms_and_keys_are_not_judged() -> None:
    assert _signature_refused(Draft(algorithm="1.2.840.113549.1.1.11")) == FindingCode.SIGNATURE_UNSUPPORTED
    rsa = new_pki(RSA, "Other")
    assert _signature_refused(Draft(signer=rsa)) == FindingCode.SIGNATURE_UNSUPPORTED
    assert _signature_refused(Draft(maker=rsa)) == FindingCode.SIGNATURE_UNSUPPORTED


def test_a_seal_is_valid_within_its_time_only() -> None:
    seal = verify_electronic_seal(Draft().made_seal())
    for at in (VALID[0], SIGNED_AT, VALID[1]):
        check_validity(seal, at)
    for at in (VALID[0] - timedelta(seconds=1), VALID[1] + timedelta(seconds=1)):
        assert _refused(check_validity, seal, at) == FindingCode.SEAL_NOT_VALID


def test_versions_are_not_mixed() -> None:
    assert _signature_refused(Draft(version=4, signature_version=5)) == FindingCode.SIGNATURE_MALFORMED
    seal = Draft(version=4, seal_timestamp=b"token").made_seal()
    assert _refused(verify_electronic_seal, seal) == FindingCode.SIGNATURE_MALFORMED
    old = read(Draft(version=1).made_signature(HASH)).children()[0].children()
    new = read(Draft(version=4).made_signature(HASH)).children()
    mixed = encode(SEQUENCE, encode(SEQUENCE, *(item.whole for item in old)), *(item.whole for item in new[1:]))
    assert _refused(verify_seal_signature, mixed, HASH) == FindingCode.SIGNATURE_MALFORMED


@VERSIONS
def test_nothing_unknown_stands_beside_the_fields(version: int) -> None:
    seal = Draft(version=version).made_seal()
    signature = Draft(version=version).made_signature(HASH)
    for data, reader in ((seal, read_electronic_seal), (signature, read_seal_signature)):
        reader(data)
        for changed in _with_more_or_less(data):
            with pytest.raises(DerError):
                reader(changed)


def _with_more_or_less(data: bytes) -> list[bytes]:
    """The structure with an element more or less at its top and in its first field, bytes behind it, and cut."""
    items = [item.whole for item in read(data).children()]
    inner = [item.whole for item in read(items[0]).children()]
    return [
        data + b"\0",
        data[:-1],
        b"",
        encode(SEQUENCE, *items, NULL),
        encode(SEQUENCE, *items[:-1]),
        encode(SEQUENCE, NULL, *items[1:]),
        encode(SEQUENCE, encode(SEQUENCE, *inner, NULL), *items[1:]),
        encode(SEQUENCE, encode(SEQUENCE, *inner[:-1]), *items[1:]),
    ]


def test_sizes_are_bounded() -> None:
    for reader, limit in ((read_electronic_seal, MAX_SEAL_BYTES), (read_seal_signature, MAX_SEAL_SIGNATURE_BYTES)):
        with pytest.raises(DerError):
            reader(encode(SEQUENCE, bytes(limit)))
    assert _refused(verify_electronic_seal, bytes(MAX_SEAL_BYTES + 1)) == FindingCode.SIGNATURE_MALFORMED


# ---- making them


def _info(**changes: Any) -> ElectronicSealInfo:
    info = ElectronicSealInfo(
        es_id="1",
        name="章",
        picture_type="PNG",
        picture=PICTURE,
        width_mm=42,
        height_mm=42,
        certificates=(sealer().certificate,),
        created_at=VALID[0],
        valid_from=VALID[0],
        valid_to=VALID[1],
        vid="APPL",
    )
    return replace(info, **changes)


def _not_made(call: Callable[[], object]) -> str:
    with pytest.raises(RequestError) as caught:
        call()
    assert caught.value.reason in {Reason.SEAL_INVALID, Reason.CERTIFICATE_MALFORMED}
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"certificates": ()},
        {"certificate_digests": (CertificateDigest("SM3", HASH),)},
        {"certificates": (b"no certificate",)},
        {"es_id": ""},
        {"es_id": "章"},
        {"vid": "章"},
        {"name": ""},
        {"name": "章" * 1_000},
        {"picture": b""},
        {"picture": bytes(MAX_SEAL_BYTES)},
        {"picture_type": ""},
        {"width_mm": 0},
        {"height_mm": 5_000},
        {"valid_to": VALID[0]},
        {"seal_type": 3},
        {"extensions": (("1.2.3", False),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_seal_that_no_verifier_would_take_is_not_made(changes: dict[str, Any]) -> None:
    maker = seal_maker()
    build_electronic_seal(_info(), maker.certificate, maker.key.sign)
    _not_made(lambda: build_electronic_seal(_info(**changes), maker.certificate, maker.key.sign))


def test_seals_are_made_and_used_with_sm2_keys_only() -> None:
    rsa, maker = new_pki(RSA, "Other"), seal_maker()
    _not_made(lambda: build_electronic_seal(_info(), rsa.certificate, rsa.key.sign))
    listed = _info(certificates=(rsa.certificate,))
    _not_made(lambda: build_electronic_seal(listed, maker.certificate, maker.key.sign))


def test_a_seal_is_used_only_by_whom_it_lists_while_it_is_valid() -> None:
    maker, who = seal_maker(), sealer()
    seal = build_electronic_seal(_info(), maker.certificate, maker.key.sign)
    build_seal_signature(seal, HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign)
    thief = new_pki(SM2, "Thief")
    for arguments in (
        (seal, HASH, SIGNED_AT, "Sig1", thief.certificate, thief.key.sign),
        (seal, HASH, VALID[1] + timedelta(days=1), "Sig1", who.certificate, who.key.sign),
        (seal, HASH[1:], SIGNED_AT, "Sig1", who.certificate, who.key.sign),
        (seal, HASH, SIGNED_AT, "签名域", who.certificate, who.key.sign),
        (seal, HASH, SIGNED_AT, "x" * 2_000, who.certificate, who.key.sign),
        (seal[:-1], HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign),
        (Draft(version=1).made_seal(), HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign),
        (Draft(version=5).made_seal(), HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign),
        (integer(4), HASH, SIGNED_AT, "Sig1", who.certificate, who.key.sign),
    ):
        _not_made(lambda given=arguments: build_seal_signature(*given))  # type: ignore[misc] # the tuple's types are right


def test_what_is_secret_or_long_is_not_in_a_repr() -> None:
    read_seal = read_electronic_seal(Draft().made_seal())
    assert "PNG" in repr(read_seal)
    assert len(repr(read_seal)) < 1_000
