"""The demo appliance's keys and certificates: two roots and five signing keys, all made in the token.

The roots sign by the same way as every other key: recorded in the log, verified before release.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from asn1crypto import pem

from hsm.keys import KeySpec, RsaKeySpec, Sm2KeySpec
from hsm.token import Token
from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.app.token_opening import open_token
from signer.audit import KeyedDigest, LogEntry
from signer.audit.log_file import DirectLog, LogFile
from signer.authz import Actor, no_grants
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.config import ApplianceConfig
from signer.database.engine import Database
from signer.deadline import Deadline
from signer.keys import KeyState, KeyVersion, Purpose
from signer.keys.registry import KeyRegistry, load_registry, store_key_version
from signer.signing import KeyRing, Signer

_RSA_ALGORITHMS = (
    Algorithm.RSA_PKCS1_SHA256,
    Algorithm.RSA_PKCS1_SHA384,
    Algorithm.RSA_PKCS1_SHA512,
    Algorithm.RSA_PSS_SHA256,
    Algorithm.RSA_PSS_SHA384,
    Algorithm.RSA_PSS_SHA512,
)
_FAMILIES: dict[str, tuple[KeySpec, tuple[Algorithm, ...]]] = {
    "sm2": (Sm2KeySpec(), (Algorithm.SM2_SM3,)),
    "rsa": (RsaKeySpec(2048), _RSA_ALGORITHMS),
}
_LEAVES = (
    ("seal", Purpose.SEAL, CertificateKind.DOCUMENT_SIGNER, "电子保单专用章"),
    ("message", Purpose.MESSAGE, CertificateKind.MESSAGE_SIGNER, "业务报文签名"),
)
REPORT_KEY = "report-sm2"
_ACTOR = Actor("init", "init/demo", "init")


def make_demo_keys(config: ApplianceConfig, database: Database, company: str, tell: Callable[[str], None]) -> None:
    """Makes the keys that are missing. Raises HsmError, ApplianceError, ConfigurationError."""
    wanted = {f"{use}-{family}" for family in _FAMILIES for use in ("ca", "seal", "message")} | {REPORT_KEY}
    if wanted <= load_registry(database).names:
        return
    log = LogFile.open(config.log.file, config.log.log_id)
    try:
        log.append([LogEntry("administration", client=_ACTOR.client, detail="init: keys are made").encode()])
        maker = _KeyMaker(config, database, open_token(config), DirectLog(log), company, tell)
        for family in _FAMILIES:
            root = maker.make_root(family)
            for use, purpose, kind, title in _LEAVES:
                maker.make_leaf(f"{use}-{family}", family, purpose, kind, title, root)
        sm2_root = maker.make_root("sm2")
        maker.make_leaf(REPORT_KEY, "sm2", Purpose.REPORT, CertificateKind.MESSAGE_SIGNER, "验真报告签名", sm2_root)
    finally:
        log.close()


class _KeyMaker:
    def __init__(
        self,
        config: ApplianceConfig,
        database: Database,
        token: Token,
        log: DirectLog,
        company: str,
        tell: Callable[[str], None],
    ) -> None:
        self._config = config
        self._database = database
        self._token = token
        self._log = log
        self._company = company
        self._tell = tell
        self._keyed_digest = KeyedDigest.from_file(config.keyed_digest_file)

    def make_root(self, family: str) -> KeyVersion:
        """A self-signed root in the token; its certificate becomes a trust anchor."""
        name = f"ca-{family}"
        existing = load_registry(self._database)
        if name in existing.names:
            return existing.resolve(name)
        bare = self._generate(name, family, Purpose.CA)
        subject = self._subject(f"示例{'SM2' if family == 'sm2' else 'RSA'}根证书")
        certificate = self._certify(bare, subject, CertificateKind.AUTHORITY, None, bare, timedelta(days=7300))
        anchor = self._config.trust.directory / f"{name}.pem"
        anchor.write_bytes(pem.armor("CERTIFICATE", certificate))
        return self._store(bare, (certificate,))

    def make_leaf(
        self, name: str, family: str, purpose: Purpose, kind: CertificateKind, title: str, root: KeyVersion
    ) -> None:
        """A signing key with a certificate from the root."""
        if name in load_registry(self._database).names:
            return
        bare = self._generate(name, family, purpose)
        certificate = self._certify(
            bare, self._subject(title), kind, root.certificate_chain[0], root, timedelta(days=1825)
        )
        self._store(bare, (certificate, root.certificate_chain[0]))

    def _generate(self, name: str, family: str, purpose: Purpose) -> KeyVersion:
        self._tell(f"key: {name} ({purpose.value}, {family.upper()})")
        spec, algorithms = _FAMILIES[family]
        key_id = secrets.token_bytes(16)
        public_key = self._token.generate_key_pair(key_id, name, spec, timeout=60)
        return KeyVersion(name, 1, purpose, algorithms, key_id, public_key, (), KeyState.ACTIVE, datetime.now(UTC))

    def _subject(self, title: str) -> tuple[tuple[str, str], ...]:
        return (("country_name", "CN"), ("organization_name", self._company), ("common_name", title))

    def _certify(
        self,
        key: KeyVersion,
        subject: tuple[tuple[str, str], ...],
        kind: CertificateKind,
        issuer: bytes | None,
        issuer_key: KeyVersion,
        valid: timedelta,
    ) -> bytes:
        now = datetime.now(UTC)
        facts = CertificateFacts(subject, key.public_key, kind, now - timedelta(minutes=5), now + valid)
        sign = partial(self._sign, issuer_key)
        return issue_certificate(facts, Issuer(issuer, issuer_key.algorithms[0], sign))

    def _sign(self, key: KeyVersion, message: bytes) -> bytes:
        registry = KeyRegistry([key])
        signer = Signer(
            grants=no_grants(),
            registry=registry,
            keys=KeyRing.open(registry, self._token, frozenset({Purpose.CA})),
            token=self._token,
            log=self._log,
            keyed_digest=self._keyed_digest,
            clock=None,
        )
        return signer.sign_as(_ACTOR, key, key.algorithms[0], message, Deadline.after(30)).signature

    def _store(self, bare: KeyVersion, chain: tuple[bytes, ...]) -> KeyVersion:
        version = KeyVersion(**{**bare.__dict__, "certificate_chain": chain})
        store_key_version(self._database, version)
        return version
