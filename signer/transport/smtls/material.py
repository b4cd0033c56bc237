"""Certificates, trust and revocation as the front uses them, read from files and read again when a file changes.

A new state is taken only whole: what can't be read leaves the former one in force, with a line in the log. Not for judging.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from OpenSSL import SSL

from monitoring import metrics
from signer.certificates import RevocationLists, TrustStore
from signer.certificates.revocation import revocation_files
from signer.certificates.store import earliest_expiry
from signer.errors import ConfigurationError, Reason
from signer.smtls import Credentials, SmTlsError, SmTlsSettings, server_context
from signer.transport.smtls.listener_config import MaterialFiles
from signer.transport.smtls.peer import PeerJudge

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """One state of all files: the context for new connections, and the judge for all."""

    context: SSL.Context
    judge: PeerJudge

    @classmethod
    def load(cls, files: MaterialFiles, settings: SmTlsSettings, before: Material | None = None) -> Material:
        """Reads everything. `before`: whose revocation lists stay where a file holds an older one.

        Raises:
            ConfigurationError: a file can't be used.
        """
        try:
            credentials = Credentials.read(files.certificate, files.key, files.client_authority)
            context = server_context(settings, credentials)
        except SmTlsError as problem:
            raise ConfigurationError(
                Reason.START_FAILED, f"public listener: {problem.message}", problem.remedy
            ) from None
        revocation = None
        if files.crl_directory is not None:
            revocation = RevocationLists.from_directory(files.crl_directory)
            if before is not None and before.judge.revocation is not None:
                revocation = revocation.not_older_than(before.judge.revocation)
        metrics.certificate_expiry_timestamp_seconds.labels("public-listener").set(
            earliest_expiry(files.certificate).timestamp()
        )
        return cls(context, PeerJudge(TrustStore.from_files([files.client_authority]), revocation))


class MaterialKeeper:
    """The state in force; `refresh` takes a newer one where files have changed."""

    def __init__(self, files: MaterialFiles, settings: SmTlsSettings) -> None:
        """Raises ConfigurationError, as `Material.load`."""
        self._files = files
        self._settings = settings
        self._seen = self._look()
        self.current = Material.load(files, settings)

    def refresh(self, *, even_if_unchanged: bool = False) -> bool:
        """True when there is a new state."""
        seen = self._look()
        if seen == self._seen and not even_if_unchanged:
            return False
        self._seen = seen
        try:
            self.current = Material.load(self._files, self._settings, self.current)
        except ConfigurationError as problem:
            _log.error(
                "certificates were not reloaded; the former ones stay in force", extra={"fields": {"why": str(problem)}}
            )
            return False
        _log.info("certificates reloaded")
        return True

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        files = [self._files.certificate, self._files.key, self._files.client_authority]
        if self._files.crl_directory is not None:
            files += revocation_files(self._files.crl_directory)
        seen = []
        for file in files:
            try:
                state = file.stat()
                seen.append((str(file), state.st_mtime_ns, state.st_ino, state.st_size))
            except OSError:
                seen.append((str(file), 0, 0, 0))
        return tuple(seen)
