"""`signer database upgrade`: brings the schema up to date. With the appliance stopped and a backup taken."""

from __future__ import annotations

import argparse
from pathlib import Path

from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, say

_EXAMPLES = "  signer database upgrade --config /etc/signer/signer.toml"


def add_commands(commands: Commands) -> None:
    """Adds `database` with its verbs."""
    database = commands.add_parser("database", help="数据库 · the appliance's database")
    verbs = database.add_subparsers(dest="verb", required=True)
    parser = add_command(verbs, "upgrade", "升级数据库结构 · bring the schema up to date", _EXAMPLES)
    parser.add_argument("--config", type=Path, required=True, help="signer.toml")
    parser.set_defaults(run=_upgrade)


def _upgrade(options: argparse.Namespace) -> ExitStatus:
    from signer.app.administrator_record import record_act
    from signer.config import load_config
    from signer.database.engine import Database
    from signer.database.schema import upgrade_schema

    config = load_config(options.config)
    record_act(config, "database upgrade")
    database = Database.from_config(config.database)
    upgrade_schema(database)
    database.close()
    say(options, {"upgraded": True}, ["数据库结构已是最新 · the schema is up to date"])
    return ExitStatus.OK
