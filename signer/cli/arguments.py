"""Arguments that several commands share: the client profile, the address, --json, and how a connection comes of them."""

from __future__ import annotations

import argparse
import os
import threading
from pathlib import Path
from typing import Any

from signer.cli.output import EXIT_STATUS_HELP
from signer.client import ClientProfile, Connection, load_profile
from signer.client.profile import checked_address
from signer.v1 import types_pb2

_PROFILE_VARIABLE = "SIGNER_PROFILE"
_DEFAULT_PROFILE = "build/demo/clients/core/profile.toml"

Commands = Any  # argparse._SubParsersAction has no public name


def add_command(commands: Commands, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    """A sub-command with --json, examples and the exit statuses in its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"examples:\n{examples}\n\n{EXIT_STATUS_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    return parser


def add_client_arguments(parser: argparse.ArgumentParser) -> None:
    """--profile, --address, --timeout."""
    parser.add_argument(
        "--profile",
        default=os.environ.get(_PROFILE_VARIABLE, _DEFAULT_PROFILE),
        help=f"client profile (default: ${_PROFILE_VARIABLE}, else {_DEFAULT_PROFILE})",
    )
    parser.add_argument("--address", help="host:port or smtls://host:port instead of the profile's")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="give up after (default: 30)")


def add_every_argument(parser: argparse.ArgumentParser) -> None:
    """--every, for commands that go on for ever if they are told to."""
    parser.add_argument("--every", type=_pause, metavar="SECONDS", help="go on for ever (default: once)")


def _pause(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:  # NaN fails, too
        raise argparse.ArgumentTypeError(f"a number of seconds above 0, not {text!r}")
    return seconds


def client_profile(options: argparse.Namespace) -> ClientProfile:
    """The profile that the arguments describe. Raises ProfileError."""
    profile = load_profile(Path(options.profile))
    return profile.at(checked_address(options.address)) if options.address else profile


def connect(options: argparse.Namespace) -> Connection:
    """The connection that the arguments describe. Raises ProfileError."""
    return Connection(client_profile(options), timeout=options.timeout)


ALGORITHM_PREFIX = "SIGNATURE_ALGORITHM_"
ALGORITHMS = [
    name.removeprefix(ALGORITHM_PREFIX)
    for name, _ in types_pb2.SignatureAlgorithm.items()
    if not name.endswith("UNSPECIFIED")
]


def algorithm_number(name: str | None) -> types_pb2.SignatureAlgorithm.ValueType:
    """The contract's number for a name like SM2_SM3; UNSPECIFIED for None."""
    return types_pb2.SignatureAlgorithm.Value(f"{ALGORITHM_PREFIX}{name or 'UNSPECIFIED'}")


def algorithm_name(number: int) -> str:
    """The short name of a contract's number."""
    return types_pb2.SignatureAlgorithm.Name(types_pb2.SignatureAlgorithm.ValueType(number)).removeprefix(
        ALGORITHM_PREFIX
    )
