"""Electronic seals by asn1crypto: a second reading of GM/T 0031-2014, GB/T 38540-2020 and GM/T 0031-2025, and a second writer.

Shares nothing with the product but the standards' field lists. Signatures are gmssl-pyx's. It also writes what the product only
reads (versions 1 and 5), and seals that are wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import gmssl_pyx
from asn1crypto import core, x509

from tests.fuzz.sealed_documents import SM2, Pki, new_pki

SM2_WITH_SM3 = "1.2.156.10197.1.501"
SIGNED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
VALID = (SIGNED_AT - timedelta(days=20), SIGNED_AT + timedelta(days=200))
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 500


def _sequence(*fields: tuple[Any, ...]) -> Any:
    return type("Sequence", (core.Sequence,), {"_fields": list(fields)})


def _sequence_of(kind: Any) -> Any:
    return type("SequenceOf", (core.SequenceOf,), {"_child_spec": kind})


Header = _sequence(("id", core.IA5String), ("version", core.Integer), ("vid", core.IA5String))
CertificateList = _sequence_of(core.OctetString)
CertificateDigestList = _sequence_of(_sequence(("type", core.PrintableString), ("value", core.OctetString)))
_Extensions = _sequence_of(
    _sequence(
        ("extn_id", core.ObjectIdentifier),
        ("critical", core.Boolean, {"default": False}),
        ("extn_value", core.OctetString),
    )
)
_Picture = _sequence(
    ("type", core.IA5String), ("data", core.OctetString), ("width", core.Integer), ("height", core.Integer)
)
_Property1 = _sequence(
    ("type", core.Integer),
    ("name", core.UTF8String),
    ("certificates", CertificateList),
    ("created", core.UTCTime),
    ("valid_from", core.UTCTime),
    ("valid_to", core.UTCTime),
)
_Property4 = _sequence(
    ("type", core.Integer),
    ("name", core.UTF8String),
    ("list_type", core.Integer),
    ("list", core.Any),
    ("created", core.GeneralizedTime),
    ("valid_from", core.GeneralizedTime),
    ("valid_to", core.GeneralizedTime),
)


def _information(facts: Any) -> Any:
    return _sequence(
        ("header", Header),
        ("es_id", core.IA5String),
        ("property", facts),
        ("picture", _Picture),
        ("extensions", _Extensions, {"optional": True}),
    )


_Info1, _Info4 = _information(_Property1), _information(_Property4)
_Timestamp = ("timestamp", core.OctetBitString, {"explicit": 0, "optional": True})
_WhoAndHow = (("certificate", core.OctetString), ("algorithm", core.ObjectIdentifier))
_Signed1 = _sequence(("info", _Info1), *_WhoAndHow)
Seal1 = _sequence(("info", _Info1), ("signing", _sequence(*_WhoAndHow, ("value", core.OctetBitString))))
Seal4 = _sequence(("info", _Info4), *_WhoAndHow, ("value", core.OctetBitString), _Timestamp)
_ToSign1 = _sequence(
    ("version", core.Integer),
    ("seal", Seal1),
    ("time", core.OctetBitString),
    ("data_hash", core.OctetBitString),
    ("property_info", core.IA5String),
    *_WhoAndHow,
)
Signature1 = _sequence(("to_sign", _ToSign1), ("value", core.OctetBitString))
_ToSign4 = _sequence(
    ("version", core.Integer),
    ("seal", Seal4),
    ("time", core.GeneralizedTime),
    ("data_hash", core.OctetBitString),
    ("property_info", core.IA5String),
    ("extensions", _Extensions, {"explicit": 0, "optional": True}),
)
Signature4 = _sequence(("to_sign", _ToSign4), *_WhoAndHow, ("value", core.OctetBitString), _Timestamp)


def gmssl_verifies(certificate: bytes, message: bytes, signature: bytes) -> bool:
    """gmssl-pyx's answer on an SM2 signature by a certificate's key, default ID."""
    point = x509.Certificate.load(certificate).public_key.dump()[-64:]
    return bool(gmssl_pyx.sm2_verify(point, message, signature))


@cache
def seal_maker() -> Pki:
    """Who makes seals."""
    return new_pki(SM2, "Seal Maker")


@cache
def sealer() -> Pki:
    """Who uses them."""
    return new_pki(SM2, "Sealing Insurer")


@dataclass(frozen=True)
class Draft:
    """A seal and a signature with it, about to be made; each field can be made wrong."""

    version: int = 4
    signature_version: int | None = None
    maker: Pki = field(default_factory=seal_maker)
    signer: Pki = field(default_factory=sealer)
    listed: Sequence[bytes] | None = None
    by_digests: bool = False
    digest_kind: str = "SM3"
    valid: tuple[datetime, datetime] = VALID
    algorithm: str = SM2_WITH_SM3
    seal_extensions: Sequence[dict[str, Any]] = ()
    extensions: Sequence[dict[str, Any]] = ()
    seal_timestamp: bytes = b""
    timestamp: bytes = b""
    signed_at: datetime = SIGNED_AT
    time_info: bytes | None = None
    seal: bytes | None = None

    def but(self, **changes: Any) -> Draft:
        """The same with other values."""
        return replace(self, **changes)

    def made_seal(self) -> bytes:
        """SESeal."""
        return self.seal or (self._seal_1() if self.version == 1 else self._seal_4())

    def made_signature(self, data_hash: bytes) -> bytes:
        """SES_Signature."""
        return self._signature_1(data_hash) if self.version == 1 else self._signature_4(data_hash)

    def _information(self) -> dict[str, Any]:
        listed = [self.signer.certificate] if self.listed is None else list(self.listed)
        digests = [{"type": self.digest_kind, "value": gmssl_pyx.sm3_hash(item)} for item in listed]
        which: dict[str, Any] = {
            "list_type": 2 if self.by_digests else 1,
            "list": core.Any(CertificateDigestList(digests) if self.by_digests else CertificateList(listed)),
        }
        facts: dict[str, Any] = {
            "type": 1,
            "name": "示例财产保险股份有限公司电子保单专用章",
            "created": self.valid[0],
            "valid_from": self.valid[0],
            "valid_to": self.valid[1],
            **({"certificates": listed} if self.version == 1 else which),
        }
        return {
            "header": {"id": "ES", "version": self.version, "vid": "TEST"},
            "es_id": "51010000000001",
            "property": facts,
            "picture": {"type": "PNG", "data": PICTURE, "width": 42, "height": 42},
            **({"extensions": list(self.seal_extensions)} if self.seal_extensions else {}),
        }

    def _seal_4(self) -> bytes:
        info = _Info4(self._information())
        seal = {
            "info": info,
            "certificate": self.maker.certificate,
            "algorithm": self.algorithm,
            "value": self.maker.key.sign(info.dump()),
        }
        if self.seal_timestamp:
            seal["timestamp"] = self.seal_timestamp
        return bytes(Seal4(seal).dump())

    def _seal_1(self) -> bytes:
        parts = {
            "info": _Info1(self._information()),
            "certificate": self.maker.certificate,
            "algorithm": self.algorithm,
        }
        value = self.maker.key.sign(_Signed1(parts).dump())
        signing = {"certificate": self.maker.certificate, "algorithm": self.algorithm, "value": value}
        return bytes(Seal1({"info": parts["info"], "signing": signing}).dump())

    def _signature_4(self, data_hash: bytes) -> bytes:
        fields: dict[str, Any] = {
            "version": self.signature_version or self.version,
            "seal": Seal4.load(self.made_seal()),
            "time": self.signed_at,
            "data_hash": data_hash,
            "property_info": "Sig1",
        }
        if self.extensions:
            fields["extensions"] = list(self.extensions)
        to_sign = _ToSign4(fields)
        whole: dict[str, Any] = {
            "to_sign": to_sign,
            "certificate": self.signer.certificate,
            "algorithm": self.algorithm,
            "value": self.signer.key.sign(to_sign.dump()),
        }
        if self.timestamp:
            whole["timestamp"] = self.timestamp
        return bytes(Signature4(whole).dump())

    def _signature_1(self, data_hash: bytes) -> bytes:
        to_sign = _ToSign1(
            {
                "version": 1,
                "seal": Seal1.load(self.made_seal()),
                "time": core.UTCTime(self.signed_at).dump() if self.time_info is None else self.time_info,
                "data_hash": data_hash,
                "property_info": "Sig1",
                "certificate": self.signer.certificate,
                "algorithm": self.algorithm,
            }
        )
        return bytes(Signature1({"to_sign": to_sign, "value": self.signer.key.sign(to_sign.dump())}).dump())
