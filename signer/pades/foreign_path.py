"""Does a stranger's certificate lead to a trust anchor at a given time? By pyHanko, offline; in the inspector process.

Revocation is not looked at here: `foreign_trust` and, with what only the worker knows, `signer.documents.foreign_revocation` do.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from asn1crypto import x509
from pyhanko.sign.ades.report import AdESIndeterminate, AdESSubIndic
from pyhanko.sign.validation.generic_cms import validate_cert_usage
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleTrustManager, TrustManager

from signer.findings import FindingCode
from signer.pades.foreign_cms import POLICY, VALIDATOR

T = TypeVar("T")
MAX_CERTIFICATES = 64  # what a search for a path may use beside the anchors

_FINDINGS: dict[AdESSubIndic | None, FindingCode] = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: FindingCode.CERTIFICATE_PATH_NOT_FOUND,
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: FindingCode.CERTIFICATE_EXPIRED,
    AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED: FindingCode.CERTIFICATE_EXPIRED,
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_USAGE,
    AdESIndeterminate.SIG_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_USAGE,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_WEAK,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: FindingCode.CERTIFICATE_WEAK,
}


class Usage(Enum):
    """What the certificate is used for."""

    # RFC 5280, 4.2.1.3: either usage is for signatures other than on certificates.
    SIGNATURE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
    TIMESTAMPS = KeyUsageConstraints(extd_key_usage={"time_stamping"}, explicit_extd_key_usage_required=True)


class PathProblem(Exception):
    """No path. `code` says why."""

    def __init__(self, code: FindingCode) -> None:
        super().__init__(code.value)
        self.code = code


@lru_cache(maxsize=4)
def trusted(anchors: tuple[bytes, ...]) -> TrustManager:
    """Anchors (DER) in the form that paths are looked for in; kept, because telling their names apart costs more than a path."""
    return SimpleTrustManager.build([x509.Certificate.load(der) for der in anchors])


def find_path(
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: TrustManager,
    at: datetime,
    usage: Usage,
) -> tuple[bytes, ...]:
    """The certificates from the given one to the anchor, DER, both included. `others` may help. Raises PathProblem."""
    context = ValidationContext(
        trust_manager=anchors,
        other_certs=list(others)[:MAX_CERTIFICATES],
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
        signature_validator=VALIDATOR,
        algorithm_usage_policy=POLICY,
    )
    found = _complete(
        validate_cert_usage(
            certificate,
            context,
            key_usage_settings=usage.value,
            paths=context.path_builder.async_build_paths_lazy(certificate),
        )
    )
    if found.success_result is None:
        raise PathProblem(_FINDINGS.get(found.error_subindic, FindingCode.CERTIFICATE_PATH_INVALID))
    chain = list(found.success_result.iter_certs(include_root=True))
    return tuple(item.dump() for item in reversed(chain))


def _complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that has nothing to wait for: fetching is off, and an event loop would need sockets."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("pyHanko wants to wait for something")
