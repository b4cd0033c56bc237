"""A certification authority in memory, RSA or SM2: certificates for signers, timestamps and OCSP, CRLs, OCSP responses.

Made by asn1crypto beside the product's own `issue`, so that lists and responses are not written by what reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import core, crl, ocsp, x509

from signer.algorithms import SignatureAlgorithm
from signer.certificates.issue import (
    CertificateFacts,
    CertificateKind,
    Issuer,
    certificate_time,
    issue_certificate,
    signature_algorithm,
)
from tests.fuzz.sealed_documents import Pki, SoftwareKey, new_key

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A root. `valid`: from and to, of everything that it issues."""

    algorithm: SignatureAlgorithm
    key: SoftwareKey
    certificate: bytes
    valid: tuple[datetime, datetime]

    @classmethod
    def new(
        cls, algorithm: SignatureAlgorithm, name: str = "Authority", *, days: tuple[int, int] = (-900, 300)
    ) -> Authority:
        """A fresh one."""
        key = new_key(algorithm)
        valid = (NOW + days[0] * DAY, NOW + days[1] * DAY)
        facts = CertificateFacts((("common_name", name),), key.public_key, CertificateKind.AUTHORITY, *valid)
        return cls(algorithm, key, issue_certificate(facts, Issuer(None, algorithm, key.sign)), valid)

    def signer(
        self,
        name: str = "Signer",
        valid: tuple[datetime, datetime] | None = None,
        *,
        lists: str = "",
        responder: str = "",
    ) -> Pki:
        """A document signer below this root. `lists`, `responder`: where its certificate says to ask about revocation."""
        return self._holder(name, None, valid, lists, responder)

    def timestamps(self, name: str = "Timestamps", valid: tuple[datetime, datetime] | None = None) -> Pki:
        """A timestamp authority's key (RFC 3161, 2.3)."""
        return self._holder(name, "time_stamping", valid)

    def responder(self, name: str = "Responder") -> Pki:
        """An OCSP responder (RFC 6960, 4.2.2.2)."""
        return self._holder(name, "ocsp_signing", None)

    def crl(
        self, revoked: Mapping[bytes, datetime], *, this_update: datetime = NOW - DAY, next_update: datetime = NOW + DAY
    ) -> bytes:
        """A complete CRL. `revoked`: certificates, and since when."""
        entries = [
            {"user_certificate": _serial(der), "revocation_date": certificate_time(moment)}
            for der, moment in revoked.items()
        ]
        tbs = crl.TbsCertList(
            {
                "version": "v2",
                "signature": signature_algorithm(self.algorithm),
                "issuer": x509.Certificate.load(self.certificate).subject,
                "this_update": certificate_time(this_update),
                "next_update": certificate_time(next_update),
                **({"revoked_certificates": entries} if entries else {}),
                "crl_extensions": [{"extn_id": "crl_number", "critical": False, "extn_value": 1}],
            }
        )
        signed = {
            "tbs_cert_list": tbs,
            "signature_algorithm": signature_algorithm(self.algorithm),
            "signature": core.OctetBitString(self.key.sign(tbs.dump())),
        }
        return bytes(crl.CertificateList(signed).dump())

    def ocsp(
        self,
        about: bytes,
        *,
        revoked_at: datetime | None = None,
        unknown: bool = False,
        by: Pki | None = None,
        hash_name: str = "sha1",
        this_update: datetime = NOW - DAY,
        next_update: datetime | None = NOW + DAY,
    ) -> bytes:
        """An OCSP response about one certificate, by the root itself or by a responder."""
        root = x509.Certificate.load(self.certificate)
        status: tuple[str, object] = ("good", core.Null())
        if revoked_at is not None:
            status = ("revoked", {"revocation_time": revoked_at})
        if unknown:
            status = ("unknown", core.Null())
        hash_algorithm = {"sm3": "1.2.156.10197.1.401"}.get(hash_name, hash_name)
        single = {
            "cert_id": {
                "hash_algorithm": {"algorithm": hash_algorithm},
                "issuer_name_hash": _digest(hash_name, root.subject.dump()),
                "issuer_key_hash": _digest(hash_name, bytes(root.public_key["public_key"].contents[1:])),
                "serial_number": _serial(about),
            },
            "cert_status": ocsp.CertStatus(*status),
            "this_update": this_update,
            **({} if next_update is None else {"next_update": next_update}),
        }
        signer = self.certificate if by is None else by.certificate
        data = ocsp.ResponseData(
            {
                "responder_id": ocsp.ResponderId("by_name", x509.Certificate.load(signer).subject),
                "produced_at": this_update,
                "responses": [single],
            }
        )
        sign = self.key.sign if by is None else by.key.sign
        basic = {
            "tbs_response_data": data,
            "signature_algorithm": signature_algorithm(self.algorithm),
            "signature": core.OctetBitString(sign(data.dump())),
            **({} if by is None else {"certs": [x509.Certificate.load(by.certificate)]}),
        }
        response = {
            "response_status": "successful",
            "response_bytes": {
                "response_type": "basic_ocsp_response",
                "response": ocsp.BasicOCSPResponse(basic),
            },
        }
        return bytes(ocsp.OCSPResponse(response).dump())

    def _holder(
        self,
        name: str,
        purpose: str | None,
        valid: tuple[datetime, datetime] | None,
        lists: str = "",
        responder: str = "",
    ) -> Pki:
        key = new_key(self.algorithm)
        facts = CertificateFacts(
            (("common_name", name),), key.public_key, CertificateKind.DOCUMENT_SIGNER, *(valid or self.valid)
        )
        certificate = issue_certificate(facts, Issuer(self.certificate, self.algorithm, self.key.sign))
        further = []
        if purpose is not None:
            further.append({"extn_id": "extended_key_usage", "critical": True, "extn_value": [purpose]})
        if lists:
            point = {"distribution_point": x509.DistributionPointName("full_name", [_uri(lists)])}
            further.append({"extn_id": "crl_distribution_points", "critical": False, "extn_value": [point]})
        if responder:
            access = {"access_method": "ocsp", "access_location": _uri(responder)}
            further.append({"extn_id": "authority_information_access", "critical": False, "extn_value": [access]})
        if further:
            certificate = self._with_extensions(certificate, further)
        return Pki(self.algorithm, key, certificate, (self.certificate,))

    def _with_extensions(self, certificate: bytes, further: list[dict[str, object]]) -> bytes:
        """The certificate with these extensions, in place of those that it has of the same kinds, signed once more."""
        whole = x509.Certificate.load(certificate)
        tbs = whole["tbs_certificate"].copy()
        extensions = [
            item.native | {"extn_value": item["extn_value"].parsed}
            for item in tbs["extensions"]
            if item["extn_id"].native not in [new["extn_id"] for new in further]
        ]
        tbs["extensions"] = [*extensions, *further]
        signed = {
            "tbs_certificate": tbs,
            "signature_algorithm": whole["signature_algorithm"],
            "signature_value": core.OctetBitString(self.key.sign(tbs.dump(force=True))),
        }
        return bytes(x509.Certificate(signed).dump(force=True))


def _uri(address: str) -> x509.GeneralName:
    return x509.GeneralName("uniform_resource_identifier", address)


def _serial(der: bytes) -> int:
    number: int = x509.Certificate.load(der).serial_number
    return number


def _digest(hash_name: str, data: bytes) -> bytes:
    return hashlib.new(hash_name, data).digest()
