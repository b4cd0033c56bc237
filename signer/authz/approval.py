"""Approval of a grants file: m of n administrators have signed its very bytes, and its version has grown. Evidence, or an error.

Not for how a signature is verified: the caller hands that in, since CMS stands above this room. An administrator's certificate is
trusted because it lies in the configured directory, and as long as it lies there: taking it out is how it is revoked. Its
dates are not asked, so that a file signed in time does not keep the appliance from starting years later.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from signer.errors import ConfigurationError, Reason, SignerError

# Detached CMS and the content that it is for → the signer's certificate (DER), or an error.
VerifyDetached = Callable[[bytes, bytes], bytes]
_MAX_SIGNATURES = 64
_MAX_SIGNATURE_BYTES = 64 * 1024
_MAX_FILE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class ApprovalConfig:
    """`administrators`: directory of PEM certificates, NAME.pem each. `required`: m; 0: nobody's approval is asked.

    `version_file`: where the highest version that was in force is kept.
    """

    administrators: Path
    required: int
    version_file: Path


@dataclass(frozen=True)
class Approval:
    """Who approved which bytes. `digest`: SHA-256 of the file, hex."""

    approvers: tuple[str, ...]
    digest: str


def signatures_directory(file: Path) -> Path:
    """Where the detached signatures of a grants file lie, one for each administrator, *.p7s."""
    return file.with_name(file.name + ".signatures")


def verify_approval(
    file: Path, content: bytes, administrators: Mapping[str, bytes], required: int, verify: VerifyDetached
) -> Approval:
    """Which administrators signed the file. `administrators`: name → certificate, DER.

    Raises:
        ConfigurationError: GRANTS_INVALID, fewer than `required` did; says what is wrong with each signature that doesn't count.
    """
    approvers: set[str] = set()
    faults: list[str] = []
    names = {certificate: name for name, certificate in administrators.items()}
    for signature in _signature_files(file):
        try:
            if signature.stat().st_size > _MAX_SIGNATURE_BYTES:
                faults.append(f"{signature.name}: larger than {_MAX_SIGNATURE_BYTES} bytes")
                continue
            certificate = verify(signature.read_bytes(), content)
        except (SignerError, OSError) as problem:
            told = problem.message if isinstance(problem, SignerError) else "can't be read"
            faults.append(f"{signature.name}: {told}")
            continue
        name = names.get(certificate)
        if name is None:
            faults.append(f"{signature.name}: its signer is not an administrator")
        else:
            approvers.add(name)
    if len(approvers) < required:
        have = f"{len(approvers)} of the {required} signatures that are needed"
        told = "; ".join([f"{file}: has {have}" + (f" ({', '.join(sorted(approvers))})" if approvers else ""), *faults])
        raise ConfigurationError(
            Reason.GRANTS_INVALID,
            told,
            f"Have administrators sign the file as it is now (detached CMS), into {signatures_directory(file)}.",
        )
    return Approval(tuple(sorted(approvers)), hashlib.sha256(content).hexdigest())


def _signature_files(file: Path) -> list[Path]:
    directory = signatures_directory(file)
    files = sorted(directory.glob("*.p7s")) if directory.is_dir() else []
    if len(files) > _MAX_SIGNATURES:
        raise ConfigurationError(
            Reason.GRANTS_INVALID, f"{directory}: more than {_MAX_SIGNATURES} signatures", "Remove old ones."
        )
    return files


def check_version(version_file: Path, version: int, digest: str) -> None:
    """Lets a version in that is newer than all before, or is the last one unchanged, and remembers it durably.

    Raises:
        ConfigurationError: GRANTS_INVALID, an older file, or the same version with another content.
    """
    descriptor = os.open(version_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)  # workers start at the same time
        known_version, known_digest = _read_version(version_file, opened.read())
        if version < known_version or (version == known_version and digest != known_digest):
            what = "is older than" if version < known_version else "has another content than"
            raise ConfigurationError(
                Reason.GRANTS_INVALID,
                f"the grants file's version {version} {what} the one that was in force (version {known_version})",
                "Give every change of the file a higher version, and have it signed again.",
            )
        if version > known_version:
            # One write of one short line: a reader finds the old one or the new one.
            opened.seek(0)
            opened.write(json.dumps({"version": version, "sha256": digest}).ljust(128).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def _read_version(file: Path, text: bytes) -> tuple[int, str]:
    if not text:
        return 0, ""
    try:
        values = json.loads(text)
        return int(values["version"]), str(values["sha256"])
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            Reason.GRANTS_INVALID,
            f"{file}: is damaged; it keeps the highest version of the grants that was in force",
            "Restore it from the backup; the log's configuration entries name the version, too.",
        ) from None


def read_grants_bytes(file: Path) -> bytes:
    """The file's bytes, read once for signatures and content alike. Raises ConfigurationError (GRANTS_INVALID)."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            Reason.GRANTS_INVALID, f"{file}: there is no such file", "Give the path of an existing file."
        ) from None
    except OSError as problem:
        raise ConfigurationError(Reason.GRANTS_INVALID, f"{file}: can't be read ({type(problem).__name__})") from None
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigurationError(Reason.GRANTS_INVALID, f"{file}: larger than {_MAX_FILE_BYTES} bytes")
    return content
