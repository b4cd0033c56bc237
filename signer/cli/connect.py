"""`signer connect`: a local socket for any gRPC program, and SM-TLS (RFC 8998) from there to the appliance."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from pathlib import Path

from signer.cli.arguments import Commands, add_client_arguments, add_command, client_profile
from signer.cli.output import ExitStatus, LocalError

_EXAMPLES = """\
  signer connect --profile clients/channel/profile.toml --socket /run/channel/signer.sock
  grpcurl -plaintext -authority localhost -unix /run/channel/signer.sock signer.v1.SigningService/ListKeys"""


def add_commands(commands: Commands) -> None:
    """Adds `connect`."""
    summary = "国密通道 · carry any gRPC program's calls over SM-TLS, until SIGTERM"
    parser = add_command(commands, "connect", summary, _EXAMPLES)
    add_client_arguments(parser)
    parser.add_argument("--socket", type=Path, required=True, help="local unix socket, made with mode 0600")
    parser.set_defaults(run=_connect)


def _connect(options: argparse.Namespace) -> ExitStatus:
    from signer.client.tunnel import Tunnel, listen_privately

    profile = client_profile(options)
    if not profile.is_smtls:
        raise LocalError(f"{profile.address}: gRPC speaks this TLS itself; `connect` is for smtls:// addresses")
    tunnel = Tunnel(profile)
    with listen_privately(options.socket) as listener:
        print(f"{options.socket} → {profile.address}", flush=True)
        try:
            asyncio.run(_until_told(tunnel.serve(listener)))
        finally:
            options.socket.unlink(missing_ok=True)
    return ExitStatus.OK


async def _until_told(serving: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(serving)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
