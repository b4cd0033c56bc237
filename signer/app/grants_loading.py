"""The grants in force: read once, approved by administrators where that is configured, checked against what exists.

Joins rooms that may not know each other (authz, certificates, cms). Not for deciding: `signer.authz`.
"""

from __future__ import annotations

from dataclasses import dataclass

from signer.audit import Log, LogEntry
from signer.authz import Existing, GrantsFile, load_grants
from signer.authz.approval import Approval, check_version, read_grants_bytes, verify_approval
from signer.certificates.store import read_certificates
from signer.cms.verify import verify_signed_data
from signer.config.grants import GrantsConfig
from signer.deadline import Deadline
from signer.documents.seal import SealProfile
from signer.errors import ConfigurationError, Reason

_RECORD_WITHIN_S = 5.0


@dataclass(frozen=True)
class LoadedGrants:
    """`approval`: None where the configuration asks for none."""

    content: GrantsFile
    approval: Approval | None


def seal_profiles() -> frozenset[str]:
    """Every seal profile that grants may name."""
    return frozenset(profile.name for profile in SealProfile if profile is not SealProfile.UNSPECIFIED)


def load_approved_grants(config: GrantsConfig, existing: Existing) -> LoadedGrants:
    """Reads, judges and checks the grants file; remembers its version where approval is asked.

    Raises:
        ConfigurationError: GRANTS_INVALID: not approved, older than before, or naming what doesn't exist.
    """
    loaded = inspect_grants(config, existing)
    if loaded.approval is not None:
        check_version(config.approval.version_file, loaded.content.version, loaded.approval.digest)
    return loaded


def load_recorded_grants(config: GrantsConfig, existing: Existing, log: Log) -> GrantsFile:
    """The same, with an entry in the log before it is in force; a file that is refused has an entry, too.

    Raises:
        ConfigurationError: as `load_approved_grants`.
        ApplianceError: LOG_UNAVAILABLE.
    """
    try:
        loaded = load_approved_grants(config, existing)
    except ConfigurationError:
        log.append([LogEntry("configuration", detail="grants refused").encode()], Deadline.after(_RECORD_WITHIN_S))
        raise
    by = f", approved by {', '.join(loaded.approval.approvers)}" if loaded.approval else ""
    detail = f"grants version {loaded.content.version}{by}"
    log.append([LogEntry("configuration", detail=detail).encode()], Deadline.after(_RECORD_WITHIN_S))
    return loaded.content


def inspect_grants(config: GrantsConfig, existing: Existing) -> LoadedGrants:
    """The same, remembering nothing: for looking at a file before it is used. Raises as `load_approved_grants`."""
    content = read_grants_bytes(config.file)
    approval = None
    if config.approval.required:
        administrators = _read_administrators(config)
        approval = verify_approval(config.file, content, administrators, config.approval.required, _verify_detached)
    return LoadedGrants(load_grants(config.file, existing, content), approval)


def _verify_detached(cms: bytes, content: bytes) -> bytes:
    return verify_signed_data(cms, detached_content=content).signer_certificate


def _read_administrators(config: GrantsConfig) -> dict[str, bytes]:
    directory = config.approval.administrators
    found: dict[str, bytes] = {}
    for file in sorted(directory.glob("*.pem")) if directory.is_dir() else []:
        certificates = read_certificates(file)
        if len(certificates) != 1:
            raise ConfigurationError(
                Reason.GRANTS_INVALID, f"{file}: holds {len(certificates)} certificates", "Keep one in each file."
            )
        found[file.stem] = certificates[0].der
    if len(set(found.values())) < config.approval.required:
        raise ConfigurationError(
            Reason.GRANTS_INVALID,
            f"{directory}: has {len(set(found.values()))} certificates; {config.approval.required} administrators must approve",
            "Put every administrator's certificate there, as NAME.pem.",
        )
    return found
