"""Who asks, by which RPC, in which request: what every decision and every log entry needs to know. No transport types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """`client`: the identity from the verified certificate. `rpc`: "Service/Method". `request_id`: for logs.

    `address`: the IP address that the call comes from, as text; empty where it comes from nowhere (own processes).
    """

    client: str
    rpc: str
    request_id: str
    address: str = ""
