"""The appliance behind a profile for the commands that look at it or rehearse on it; refusals as every command reports them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from signer.cli.arguments import client_profile
from signer.client import RemoteError

if TYPE_CHECKING:
    from signer.app.remote_appliance import GrpcAppliance


@contextmanager
def appliance(options: argparse.Namespace) -> Iterator[GrpcAppliance]:
    """Connected as the arguments say. Raises ProfileError, RemoteError."""
    from signer.app.remote_appliance import GrpcAppliance
    from signer.evidence.remote import Refused

    with GrpcAppliance(client_profile(options)) as remote:
        try:
            yield remote
        except Refused as problem:
            raise RemoteError(problem.status, problem.message, problem.reason) from None
