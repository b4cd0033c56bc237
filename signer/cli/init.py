"""`signer init`: makes an appliance."""

from __future__ import annotations

import argparse
from pathlib import Path

from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, say

_EXAMPLES = "  signer init --demo build/demo\n  signer init --demo build/demo --port-base 9443"


def add_commands(commands: Commands) -> None:
    """Adds `init`."""
    parser = add_command(commands, "init", "新建演示系统 · make a demo appliance, or complete one", _EXAMPLES)
    parser.add_argument(
        "--demo", metavar="DIR", type=Path, required=True, help="where it is made; kept when it is there"
    )
    parser.add_argument("--port-base", type=int, default=7443, metavar="PORT", help="LAN gRPC port (default: 7443)")
    parser.set_defaults(run=_init)


def _init(options: argparse.Namespace) -> ExitStatus:
    from signer.app.demo_appliance import make_demo_appliance

    made: list[str] = []
    config = make_demo_appliance(options.demo, options.port_base, made.append)
    profile = options.demo / "clients" / "core" / "profile.toml"
    say(
        options,
        {"config": str(config), "profile": str(profile), "made": made},
        [*(f"  {line}" for line in made), f"配置 configuration: {config}", f"客户端 client profile: {profile}"],
    )
    return ExitStatus.OK
