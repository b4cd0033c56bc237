"""`signer init --demo`: a whole appliance in one directory, with a development token. Running it again keeps what is there.

Every file it makes is named in `_SETTINGS` or below it; nothing outside the directory is touched. Not for production: keys there
are made in a ceremony, certificates come from a licensed authority.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

from signer.app.demo_files import write_secret
from signer.app.demo_keys import REPORT_KEY, make_demo_keys
from signer.app.demo_public_tls import make_demo_public_tls
from signer.app.log_key import make_log_key
from signer.certificates.tls import TlsPair, load_pair, make_authority, make_client, make_server
from signer.config import load_config
from signer.database.engine import Database
from signer.database.schema import upgrade_schema
from signer.errors import ConfigurationError, Reason
from signer.transport.identity import CLIENT_URI_PREFIX

DEFAULT_PORT = 7443
PUBLIC_OFFSET = 1
METRICS_OFFSET = 21
PORTAL_OFFSET = 37
LABEL = "demo"
CLIENT = "core"
PORTAL_CLIENT = "portal"
COMPANY = "示例财产保险股份有限公司"
_NATIVE = Path(__file__).resolve().parents[2] / "build" / "native"

_SETTINGS = """\
# A demo appliance: everything lies beside this file. Written by `signer init --demo`; ports are rewritten by it.
mode = "development"
run_directory = "run"
keyed_digest = "state/keyed-digest.key"

[listener.lan]
host = "127.0.0.1"
port = {port}
certificate = "tls/server.pem"
key = "tls/server.key"
client_authority = "ca.pem"
workers = 2
threads = 32

[public_listener]
host = "127.0.0.1"
port = {public_port}
certificate = "public/server.pem"
key = "public/server.key"
client_authority = "public/ca.pem"
crl_directory = "public/crl"

[portal]
host = "127.0.0.1"
port = {portal_port}
profile = "clients/portal/profile.toml"
timestamps = true

[monitoring]
host = "127.0.0.1"
port = {metrics_port}

[token]
profile = "softtoken"
label = "{label}"
module = "{native}/libsofttoken.so"
locking_module = "{native}/liblocking.so"
pin_file = "secrets/pin"
writable = ["token"]

[token.environment]
SOFTHSM2_CONF = "./token/softhsm2.conf"

[database]
url = "sqlite:///state/database/signer.db"

[log]
id = "{log_id}"

[log.token]
profile = "softtoken"
label = "{label}-log"
module = "{native}/libsofttoken.so"
locking_module = "{native}/liblocking.so"
pin_file = "secrets/log-pin"
sessions = 1
writable = ["token"]

[log.token.environment]
SOFTHSM2_CONF = "./token/softhsm2.conf"

[seal]
company = "{company}"
caption = "电子保单专用章"
default_key = "seal-sm2"
crl_directory = "trust/crl"

[verification]
crl_directory = "trust/crl"

[seal.electronic]
file = "seal/electronic-seal.esl"

[timestamps]
keys = ["timestamp-sm2", "timestamp-rsa"]

[reports]
key = "{report_key}"

[renderer]
verification_url = "http://127.0.0.1:{portal_port}/v"
processes = 2
"""

_GRANTS = """\
# Who may do what. Names that don't exist keep the appliance from starting. See docs/operations.md.
format = 1
version = 1

[[grants]]
client = "core"
rpcs = [
  "SigningService/Sign", "SigningService/SignBatch", "SigningService/Verify", "SigningService/VerifyBatch",
  "SigningService/SignMessage", "SigningService/VerifyMessage", "SigningService/ListKeys",
  "DocumentService/ListTemplates", "DocumentService/GetTemplate", "DocumentService/RenderDocument",
  "DocumentService/SealDocument", "DocumentService/IssueDocument", "DocumentService/IssueDocuments",
  "DocumentService/VerifyDocument",
  "DocumentService/ExtendDocument", "DocumentService/ListExpiringDocuments", "TimestampService/Timestamp",
  "AuditService/GetReceipt", "AuditService/GetCheckpoint", "AuditService/AddCosignature",
]
# What a key is for decides which RPCs it serves: seal keys never sign messages, whoever asks.
keys = ["message-sm2", "message-rsa", "seal-sm2", "seal-rsa", "timestamp-sm2", "timestamp-rsa"]
templates = ["policy/commercial", "evidence/pack", "drill/record"]
# Whatever is in these classes, templates that come later among them.
document_classes = ["policy", "endorsement", "mark", "proposal", "companion"]
profiles = ["PADES_B", "PADES_T", "PADES_LT", "PADES_LTA", "GBT_38540"]
digest_signing = true

# A sales channel outside, over the public listener.
[[grants]]
client = "channel"
rpcs = [
  "SigningService/Sign", "SigningService/SignBatch", "SigningService/Verify", "SigningService/VerifyBatch",
  "SigningService/SignMessage", "SigningService/VerifyMessage", "SigningService/ListKeys",
  "DocumentService/ListTemplates", "DocumentService/GetTemplate", "DocumentService/IssueDocument",
  "DocumentService/IssueDocuments", "DocumentService/VerifyDocument",
]
keys = ["message-sm2", "message-rsa", "seal-sm2", "seal-rsa"]
templates = ["policy/commercial"]
profiles = ["PADES_B"]
"""
_PORTAL_GRANT = """
# The page where anybody verifies documents.
[[grants]]
client = "portal"
rpcs = ["DocumentService/VerifyDocument", "TimestampService/Timestamp"]
keys = ["timestamp-sm2", "timestamp-rsa"]
"""

_PROFILE = """\
# How the client "{client}" reaches the appliance. Written by `signer init --demo`.
address = "127.0.0.1:{port}"
authority = "../../ca.pem"
certificate = "cert.pem"
key = "key.pem"
"""
_CLIENTS = (CLIENT, PORTAL_CLIENT)


def make_demo_appliance(directory: Path, port: int, tell: Callable[[str], None]) -> Path:
    """Makes or completes a demo appliance; returns its configuration file. `tell` hears what is being made.

    Raises:
        ConfigurationError, HsmError, ApplianceError: what is missing or in the way.
    """
    for name in (
        "token/tokens",
        "secrets",
        "state/database",
        "run",
        "tls",
        "trust",
        *(f"clients/{client}" for client in _CLIENTS),
    ):
        (directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in sorted((directory / "state").glob("signer.db*")):  # where it was before it had a folder of its own
        file.rename(directory / "state" / "database" / file.name)
    _make_tokens(directory, tell)
    _make_tls(directory, tell)
    make_demo_public_tls(directory, port + PUBLIC_OFFSET, tell)
    config_file = directory / "signer.toml"
    log_id = _log_id(config_file)
    config_file.write_text(
        _SETTINGS.format(
            port=port,
            public_port=port + PUBLIC_OFFSET,
            portal_port=port + PORTAL_OFFSET,
            metrics_port=port + METRICS_OFFSET,
            label=LABEL,
            native=_NATIVE,
            log_id=log_id,
            company=COMPANY,
            report_key=REPORT_KEY,
        ),
        encoding="utf-8",
    )
    for client in _CLIENTS:
        profile = directory / "clients" / client / "profile.toml"
        profile.write_text(_PROFILE.format(client=client, port=port), encoding="utf-8")
    _write_grants(directory / "grants.toml")
    write_secret(directory / "state" / "keyed-digest.key", lambda: secrets.token_hex(32))
    config = load_config(config_file)
    database = Database.from_config(config.database)
    upgrade_schema(database)
    make_log_key(config)
    make_demo_keys(config, database, COMPANY, tell)
    database.close()
    return config_file


def _write_grants(file: Path) -> None:
    """What is there is kept; only the portal, which demo appliances didn't have from the first, gets its grant."""
    grants = file.read_text(encoding="utf-8") if file.exists() else _GRANTS
    if f'client = "{PORTAL_CLIENT}"' not in grants:
        file.write_text(grants + _PORTAL_GRANT, encoding="utf-8")


def _log_id(config_file: Path) -> str:
    """The log keeps its name over every rewrite of the configuration."""
    return load_config(config_file).log.log_id if config_file.exists() else f"demo-{secrets.token_hex(4)}"


def _make_tokens(directory: Path, tell: Callable[[str], None]) -> None:
    token = directory / "token"
    settings = token / "softhsm2.conf"
    settings.write_text(
        f"directories.tokendir = {token.resolve()}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    for label, pin_name in ((LABEL, "pin"), (f"{LABEL}-log", "log-pin")):
        if (directory / "secrets" / pin_name).exists():
            continue
        tell(f"token: {label}, SoftHSM with SM2 (development token)")
        pin = write_secret(directory / "secrets" / pin_name, _random_pin)
        officer = write_secret(directory / "secrets" / f"so-{pin_name}", _random_pin)
        _make_token(settings, label, officer, pin)


def _random_pin() -> str:
    return str(secrets.randbelow(10**8)).zfill(8)


def _make_token(settings: Path, label: str, officer: str, pin: str) -> None:
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", officer, "--pin", pin]
    try:
        # Development only: a real HSM's PIN never stands on a command line.
        subprocess.run(  # noqa: S603 - a fixed program with our own arguments
            command, check=True, capture_output=True, env={"SOFTHSM2_CONF": str(settings), "PATH": "/usr/bin:/bin"}
        )
    except FileNotFoundError:
        raise ConfigurationError(
            Reason.START_FAILED, "softhsm2-util is missing", "Install softhsm2: bash scripts/bootstrap.sh."
        ) from None
    except subprocess.CalledProcessError:
        raise ConfigurationError(Reason.START_FAILED, "SoftHSM can't make the token") from None


def _make_tls(directory: Path, tell: Callable[[str], None]) -> None:
    kept = directory / "tls" / "authority.pem", directory / "tls" / "authority.key"
    if (directory / "ca.pem").exists():
        authority = load_pair(*(file.read_bytes() for file in kept))
    else:
        tell("TLS: authority, server certificate")
        authority = make_authority("demo TLS authority")
        server = make_server(authority, "127.0.0.1")
        _write_pair(directory / "tls" / "server.pem", directory / "tls" / "server.key", server)
        _write_pair(*kept, authority)
    for client in _CLIENTS:
        folder = directory / "clients" / client
        if not (folder / "cert.pem").exists():
            tell(f"TLS: client certificate {client}")
            _write_pair(
                folder / "cert.pem", folder / "key.pem", make_client(authority, client, CLIENT_URI_PREFIX + client)
            )
    (directory / "ca.pem").write_bytes(authority.certificate_pem)


def _write_pair(certificate: Path, key: Path, pair: TlsPair) -> None:
    certificate.write_bytes(pair.certificate_pem)
    write_secret(key, lambda: pair.key_pem.decode("ascii"))
