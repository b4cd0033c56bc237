"""Writes CRLs (RFC 5280, clause 5); signing goes through a callable, as with certificates. For demo and test authorities of ours.

Not for reading them: `revocation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import core, crl, x509

from signer.certificates.issue import Issuer, certificate_time, signature_algorithm


@dataclass(frozen=True)
class RevocationFacts:
    """What the list says. `revoked`: serial numbers. `valid`: until its next update."""

    revoked: Sequence[int]
    number: int
    this_update: datetime
    valid: timedelta


def issue_revocation_list(facts: RevocationFacts, issuer: Issuer) -> bytes:
    """A complete CRL, DER. Raises whatever the signing callable raises."""
    assert issuer.certificate is not None  # only an authority that has a certificate can revoke
    authority = x509.Certificate.load(issuer.certificate)
    algorithm = signature_algorithm(issuer.algorithm)
    entries = [
        {"user_certificate": serial, "revocation_date": certificate_time(facts.this_update)} for serial in facts.revoked
    ]
    tbs = crl.TbsCertList(
        {
            "version": "v2",
            "signature": algorithm,
            "issuer": authority.subject,
            "this_update": certificate_time(facts.this_update),
            "next_update": certificate_time(facts.this_update + facts.valid),
            **({"revoked_certificates": entries} if entries else {}),
            "crl_extensions": [
                {
                    "extn_id": "authority_key_identifier",
                    "critical": False,
                    "extn_value": {"key_identifier": authority.key_identifier},
                },
                {"extn_id": "crl_number", "critical": False, "extn_value": facts.number},
            ],
        }
    )
    encoded: bytes = crl.CertificateList(
        {
            "tbs_cert_list": tbs,
            "signature_algorithm": algorithm,
            "signature": core.OctetBitString(issuer.sign(tbs.dump())),
        }
    ).dump()
    return encoded
