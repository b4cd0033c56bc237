"""`signer serve`: runs the appliance in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus

_EXAMPLES = "  signer serve --config build/demo/signer.toml"


def add_commands(commands: Commands) -> None:
    """Adds `serve`."""
    parser = add_command(
        commands, "serve", "启动服务 · run the appliance until SIGTERM; logs are JSON lines", _EXAMPLES
    )
    parser.add_argument("--config", type=Path, required=True, help="signer.toml")
    parser.add_argument(
        "--port-base", type=int, metavar="PORT", help="moves all listeners together; LAN gRPC comes here"
    )
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> ExitStatus:
    from signer.app.serve import serve

    return ExitStatus(serve(options.config, options.port_base))
