"""`signer keys list`: the keys that this client may use."""

from __future__ import annotations

import argparse

from cryptography import x509

from signer.cli.arguments import Commands, add_client_arguments, add_command, algorithm_name, connect
from signer.cli.output import ExitStatus, say
from signer.v1 import signing_pb2

_EXAMPLES = "  signer keys list\n  signer keys list --json"


def add_commands(commands: Commands) -> None:
    """Adds `keys` with its verbs."""
    keys = commands.add_parser("keys", help="密钥 · keys that this client may use")
    verbs = keys.add_subparsers(dest="verb", required=True)
    parser = add_command(verbs, "list", "列出可用密钥 · list the keys that this client may use", _EXAMPLES)
    add_client_arguments(parser)
    parser.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> ExitStatus:
    with connect(options) as connection:
        keys = connection.list_keys()
    rows = [_row(key) for key in keys]
    lines = [f"{'密钥 key':<18} {'用途 purpose':<12} {'状态 state':<12} 算法 algorithms"]
    lines += [
        f"{row['key']:<20} {row['purpose']:<14} {row['state']:<14} {row['algorithms']}\n"
        f"    证书 certificate: {row['subject'] or '-'}"
        for row in rows
    ]
    say(options, {"keys": rows}, lines)
    return ExitStatus.OK


def _row(key: signing_pb2.KeyInfo) -> dict[str, object]:
    chain = key.certificate_chain
    certificate = x509.load_der_x509_certificate(chain[0]) if chain else None
    return {
        "key": key.key,
        "purpose": key.purpose,
        "state": key.state,
        "algorithms": ", ".join(algorithm_name(number) for number in key.algorithms),
        "public_key": key.public_key.hex(),
        "subject": certificate.subject.rfc4514_string() if certificate else "",
        "expires": certificate.not_valid_after_utc.isoformat() if certificate else "",
    }
