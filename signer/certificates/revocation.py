"""Revocation lists (RFC 5280, clauses 5 and 6.3): complete CRLs in files, signed by the issuer of the certificates themselves.

Delta CRLs, indirect CRLs and distribution points are refused as lists, not passed over. Fetching is the operator's matter: whoever
brings new files (cron, a mirror) needs no access to the appliance but this directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import pem
from cryptography import x509

from signer.algorithms import load_path_key, verify_x509_signature
from signer.certificates.certificate import Certificate
from signer.errors import ConfigurationError, Reason, SignerError, VerificationError
from signer.findings import FindingCode

MAX_CRL_BYTES = 16 * 1024 * 1024
_UNDERSTOOD = (x509.AuthorityKeyIdentifier, x509.CRLNumber)


@dataclass(frozen=True)
class RevocationList:
    """One CRL. `issuer`: Name, DER. `number`: CRL number (0 where absent). `revoked`: serial numbers, and when."""

    issuer: bytes
    number: int
    this_update: datetime
    next_update: datetime
    revoked: Mapping[int, datetime]
    signed_bytes: bytes
    signature: bytes
    signature_oid: str
    der: bytes = field(default=b"", repr=False)

    @classmethod
    def load(cls, der: bytes) -> RevocationList:
        """Reads strictly.

        Raises:
            ConfigurationError: START_FAILED; not a complete CRL that can be judged here.
        """
        try:
            return _read(der)
        except Exception as problem:  # noqa: BLE001 - two parsers with many kinds of exceptions, one meaning
            what = str(problem) if isinstance(problem, _NotComplete) else "not a CRL in strict DER"
            raise ConfigurationError(Reason.START_FAILED, what, "Put complete CRLs there, PEM or DER.") from None


class _NotComplete(Exception):
    """A CRL of a kind that is not processed here."""


def _read(der: bytes) -> RevocationList:
    if len(der) > MAX_CRL_BYTES:
        raise _NotComplete(f"the CRL is larger than {MAX_CRL_BYTES} bytes")
    strict = x509.load_der_x509_crl(der)
    whole = asn1_crl.CertificateList.load(der)
    for item in strict.extensions:
        # an unknown critical extension forbids to rely on the list (5.2); a delta's base number is critical
        if item.critical and not isinstance(item.value, _UNDERSTOOD):
            raise _NotComplete(f"the CRL has an extension that is not processed: {item.oid.dotted_string}")
    revoked = {}
    for entry in strict:
        if any(item.critical for item in entry.extensions):
            raise _NotComplete("an entry of the CRL has a critical extension (an indirect CRL?)")
        revoked[entry.serial_number] = entry.revocation_date_utc
    if strict.next_update_utc is None:
        raise _NotComplete("the CRL does not say when the next one comes")
    if whole["tbs_cert_list"]["signature"].dump() != whole["signature_algorithm"].dump():
        raise _NotComplete("the CRL names two signature algorithms")
    numbers = [item.value.crl_number for item in strict.extensions if isinstance(item.value, x509.CRLNumber)]
    return RevocationList(
        issuer=whole["tbs_cert_list"]["issuer"].dump(),
        number=numbers[0] if numbers else 0,
        this_update=strict.last_update_utc,
        next_update=strict.next_update_utc,
        revoked=revoked,
        signed_bytes=strict.tbs_certlist_bytes,
        signature=strict.signature,
        signature_oid=strict.signature_algorithm_oid.dotted_string,
        der=der,
    )


@dataclass(frozen=True)
class RevocationLists:
    """Everything that is known about revocation. `_verified`: (signature, issuer's key) pairs that were found right."""

    lists: tuple[RevocationList, ...]
    _verified: set[tuple[bytes, bytes]] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def from_directory(cls, directory: Path) -> RevocationLists:
        """Reads every *.crl and *.pem, PEM or DER.

        Raises:
            ConfigurationError: START_FAILED; the directory is missing or empty, or a file can't be used. Says which.
        """
        files = revocation_files(directory)
        if not files:
            raise ConfigurationError(
                Reason.START_FAILED, f"{directory}: no *.crl or *.pem files", "Put the authorities' CRLs there."
            )
        return cls(tuple(crl for file in files for crl in _read_file(file)))

    def not_older_than(self, before: RevocationLists) -> RevocationLists:
        """These lists, and of the former ones those whose number is higher: an older copy of a file takes nothing back."""
        best = {crl.issuer: crl.number for crl in self.lists}
        kept = [crl for crl in before.lists if crl.number > best.get(crl.issuer, -1)]
        return RevocationLists((*self.lists, *kept), before._verified)

    def of(self, issuer: Certificate) -> list[RevocationList]:
        """The lists that an authority really signed."""
        return [crl for crl in self.lists if crl.issuer == issuer.subject and self._is_signed(crl, issuer)]

    def check(self, chain: Sequence[Certificate], at: datetime | None = None) -> datetime:
        """Until when it is known that nothing in the chain (leaf to anchor) is revoked, unless newer lists come.

        Raises:
            VerificationError: PATH_NOT_TRUSTED; finding certificate-revoked, or revocation-not-checked where an issuer has no
                list that is current.
        """
        now = at or datetime.now(UTC)
        until = [self._check_one(child, issuer, now) for child, issuer in pairwise(chain)]
        return min(until, default=chain[0].not_after)

    def _check_one(self, child: Certificate, issuer: Certificate, now: datetime) -> datetime:
        lists = self.of(issuer)
        # Whatever list says so, an old one too: revocation is not taken back (apart from holds, which count as revoked).
        if any(child.serial in crl.revoked for crl in lists):
            raise _refused(FindingCode.CERTIFICATE_REVOKED, "the certificate, or one above it, was revoked")
        current = [crl.next_update for crl in lists if crl.this_update <= now <= crl.next_update]
        if not current:
            raise _refused(FindingCode.REVOCATION_NOT_CHECKED, "an issuer has no revocation list that is current")
        return max(current)

    def _is_signed(self, crl: RevocationList, issuer: Certificate) -> bool:
        if issuer.key_usage is not None and "crl_sign" not in issuer.key_usage:
            return False
        known = (crl.signature, issuer.public_key)
        if known not in self._verified:
            try:
                verify_x509_signature(
                    crl.signature_oid, load_path_key(issuer.public_key), crl.signed_bytes, crl.signature
                )
            except SignerError:
                return False
            self._verified.add(known)
        return True


def revocation_files(directory: Path) -> list[Path]:
    """The files that count, in a stable order."""
    return sorted(file for pattern in ("*.crl", "*.pem") for file in directory.glob(pattern))


def _read_file(file: Path) -> Iterable[RevocationList]:
    try:
        data = file.read_bytes()
        blocks = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
        return [RevocationList.load(der) for der in blocks]
    except OSError as problem:
        what = problem.strerror or "can't be read"
    except ValueError:
        what = "PEM that is not well formed"
    except ConfigurationError as problem:
        what = problem.message
    raise ConfigurationError(Reason.START_FAILED, f"{file}: {what}", "Put complete CRLs there, PEM or DER.")


def _refused(code: FindingCode, message: str) -> VerificationError:
    return VerificationError(Reason.PATH_NOT_TRUSTED, code, message)
