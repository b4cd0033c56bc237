"""The demo appliance's keys and certificates: two roots and the signing keys below them, all made in the token.

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
from signer.app.demo_seal import make_demo_seal
from signer.app.token_opening import open_token
from signer.audit import KeyedDigest, LogEntry
from signer.audit.log_file import DirectLog, LogFile
from signer.authz import Actor, no_grants
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.certificates.issue_revocation_list import RevocationFacts, issue_revocation_list
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
# What certificates and timestamps say must convince for as long as documents are kept, ten years. Moduli below 3,000 bits are a legacy
# that was agreed on until the end of 2025 (SOG-IS Agreed Cryptographic Mechanisms 1.2, RSA).
_LASTING = RsaKeySpec(3072)
_LASTING_PURPOSES = (Purpose.CA, Purpose.TIMESTAMP)
_LEAVES = (
    ("seal", Purpose.SEAL, CertificateKind.DOCUMENT_SIGNER, "电子保单专用章"),
    ("message", Purpose.MESSAGE, CertificateKind.MESSAGE_SIGNER, "业务报文签名"),
    ("timestamp", Purpose.TIMESTAMP, CertificateKind.TIMESTAMP_AUTHORITY, "时间戳服务"),
)
SEAL_MAKER_KEY = "seal-maker-sm2"
_LEAVES_VALID = timedelta(days=1825)
REPORT_KEY = "report-sm2"
_ACTOR = Actor("init", "init/demo", "init")


def make_demo_keys(config: ApplianceConfig, database: Database, company: str, tell: Callable[[str], None]) -> None:
    """Makes the keys that are missing. Raises HsmError, ApplianceError, ConfigurationError."""
    uses = ("ca", *(leaf[0] for leaf in _LEAVES))
    wanted = {f"{use}-{family}" for family in _FAMILIES for use in uses} | {SEAL_MAKER_KEY, REPORT_KEY}
    registry = load_registry(database)
    if wanted <= registry.names and not _missing_files(config):
        return
    log = LogFile.open(config.log.file, config.log.log_id)
    try:
        log.append([LogEntry("administration", client=_ACTOR.client, detail="init: keys are made").encode()])
        maker = _KeyMaker(config, database, open_token(config), DirectLog(log), company, tell)
        for family in _FAMILIES:
            root = maker.make_root(family)
            for use, purpose, kind, title in _LEAVES:
                maker.make_leaf(f"{use}-{family}", family, purpose, kind, title, root)
        maker.make_electronic_seal()
        for family in _FAMILIES:
            maker.make_revocation_list(family)
        sm2_root = maker.make_root("sm2")
        maker.make_leaf(REPORT_KEY, "sm2", Purpose.REPORT, CertificateKind.MESSAGE_SIGNER, "验真报告签名", sm2_root)
    finally:
        log.close()


def _missing_files(config: ApplianceConfig) -> bool:
    """Whether something that authorities sign is not there yet."""
    electronic, crl_directory = config.seal.electronic, config.seal.crl_directory
    lists = [] if crl_directory is None else [crl_directory / f"ca-{family}.crl" for family in _FAMILIES]
    return not all(file.exists() for file in ([] if electronic is None else [electronic.file]) + lists)


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
        certificate = self._certify(bare, self._subject(title), kind, root.certificate_chain[0], root, _LEAVES_VALID)
        self._store(bare, (certificate, root.certificate_chain[0]))

    def make_electronic_seal(self) -> None:
        """A seal maker's key below the SM2 root, and the seal that it makes for the SM2 seal key."""
        registry = load_registry(self._database)
        title, kind = "示例制章机构", CertificateKind.DOCUMENT_SIGNER
        self.make_leaf(SEAL_MAKER_KEY, "sm2", Purpose.SEAL_MAKER, kind, title, registry.resolve("ca-sm2"))
        registry = load_registry(self._database)
        maker = registry.resolve(SEAL_MAKER_KEY)
        make_demo_seal(self._config, registry.resolve("seal-sm2"), maker, partial(self._sign, maker), self._tell)

    def make_revocation_list(self, family: str) -> None:
        """A root's CRL, on which nobody stands; valid for as long as what is below the root."""
        directory = self._config.seal.crl_directory
        if directory is None or (directory / f"ca-{family}.crl").exists():
            return
        root = load_registry(self._database).resolve(f"ca-{family}")
        facts = RevocationFacts((), 1, datetime.now(UTC) - timedelta(minutes=5), _LEAVES_VALID)
        issuer = Issuer(root.certificate_chain[0], root.algorithms[0], partial(self._sign, root))
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (directory / f"ca-{family}.crl").write_bytes(issue_revocation_list(facts, issuer))

    def _generate(self, name: str, family: str, purpose: Purpose) -> KeyVersion:
        self._tell(f"key: {name} ({purpose.value}, {family.upper()})")
        spec, algorithms = _FAMILIES[family]
        if isinstance(spec, RsaKeySpec) and purpose in _LASTING_PURPOSES:
            spec = _LASTING
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
            keys=KeyRing.open(registry, self._token, frozenset({Purpose.CA, Purpose.SEAL_MAKER})),
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
