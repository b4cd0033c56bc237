"""Which process of the appliance keeps what: one row each, in one place. docs/hardening.md shows it; a test compares the two.

For every process besides: no new privileges, not dumpable, no core dump, no capability that is not named. Which paths and ports
these words mean depends on the configuration: `signer.app.process_reach`, and each process's own program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isolation.sandbox import SandboxLimits
from isolation.seccomp import Calls

_GIB = 1 << 30
_ALL = Calls.FORK | Calls.EXECUTE | Calls.SIGNAL | Calls.NETWORK | Calls.READ_CLOCK
ANYTHING = "what its user may"


@dataclass(frozen=True)
class ProcessRow:
    """`reads`, `writes`, `network`: in words, for people. `limits`: what `enter_sandbox` takes."""

    limits: SandboxLimits
    reads: str
    writes: str
    network: str


PROCESSES: Mapping[str, ProcessRow] = {
    "supervisor": ProcessRow(
        # What it may, its children may: their own limits come on top of these.
        SandboxLimits(None, None, None, None, _ALL, writable_code=True),
        reads=ANYTHING,
        writes="what its children write",
        network="listens for its children",
    ),
    "log-writer": ProcessRow(
        SandboxLimits(None, None, None, None),
        reads=ANYTHING,
        writes="log, its last head, PIN attempts, metrics, its token's own files",
        network="none; TCP where `[log.token] network = true`",
    ),
    "clock": ProcessRow(
        SandboxLimits(None, None, None, None, Calls.NETWORK | Calls.READ_CLOCK),
        reads=ANYTHING,
        writes="its verdict, the latest time, metrics",
        network="UDP to time sources; no TCP",
    ),
    "revocation": ProcessRow(
        SandboxLimits(2 * _GIB, None, None, None, Calls.NETWORK),
        reads=ANYTHING,
        writes="what it fetched",
        network="the inherited unix listener; TCP to allowed hosts",
    ),
    "worker": ProcessRow(
        SandboxLimits(None, None, None, None, Calls.NETWORK),
        reads=ANYTHING,
        writes="database, archive, cosigned heads, grants version, PIN attempts, rates, inner sockets, probes, metrics, "
        "its token's own files",
        network="binds the LAN port; connects by TCP where `[token] network = true` or the database is a server",
    ),
    "front": ProcessRow(
        # Open files: by its connections. pyOpenSSL's callbacks are code that cffi writes.
        SandboxLimits(4 * _GIB, None, None, may=Calls.CONNECT_LOCAL, writable_code=True),
        reads="TLS files, CRLs, inner certificates, Python",
        writes="none",
        network="unix sockets; the inherited listener",
    ),
    "portal": ProcessRow(
        # Open files: by its connections. Uploads are in memory, as often as gRPC copies them.
        SandboxLimits(6 * _GIB, None, None, may=Calls.NETWORK),
        reads="TLS files, its client certificate, Python",
        writes="none",
        network="the inherited listener; connects to the LAN listener's port",
    ),
    "renderer": ProcessRow(
        SandboxLimits(3 * _GIB, None),
        reads="templates, pinned fonts, Python",
        writes="none",
        network="the inherited unix listener",
    ),
    "inspector": ProcessRow(
        SandboxLimits(None, None, None, may=Calls.FORK | Calls.SIGNAL),
        reads="Python",
        writes="none",
        network="the inherited unix listener",
    ),
    "inspection": ProcessRow(
        SandboxLimits(1_536 << 20, 20),
        reads="Python",
        writes="none",
        network="one accepted unix connection",
    ),
    "exporter": ProcessRow(
        SandboxLimits(4 * _GIB, None, None, 1024, Calls.SIGNAL),  # asks whether the supervisor is alive
        reads="run directory, its TLS files, Python",
        writes="metrics",
        network="its own listener, bound before",
    ),
}
