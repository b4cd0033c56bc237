"""Landlock (landlock(7)): from now on, this process can open, change and start only what lies below some paths.

Where the kernel knows how, it can't bind or connect a TCP socket either but for the ports named (version 4), not even one that it
inherited or accepted, and signal nobody outside (version 6). Files' modes go on to hold.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation.c_library import libc

# the same numbers on every architecture
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
# linux/landlock.h, LANDLOCK_ACCESS_FS_*
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 9, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_READ = _READ_FILE | _READ_DIR
_WRITE_IN_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
# No device nodes and no named pipes: nothing here makes any.
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_SYM | _REFER
_ON_FILES = _EXECUTE | _WRITE_IN_FILE
# file system rights that each version of the interface knows: 1: 13 rights, 2: refer, 3: truncate, 5: ioctl on devices
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_LATEST = 16
_ABI_WITH_NETWORK, _ABI_WITH_SCOPES = 4, 6
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1


@dataclass(frozen=True)
class TcpPorts:
    """`bind`: ports that may be bound. `connect`: ports that connections may be made to; `connect_anywhere`: to any.

    To which hosts is not Landlock's matter.
    """

    bind: tuple[int, ...] = ()
    connect_anywhere: bool = False
    connect: tuple[int, ...] = ()


NO_TCP = TcpPorts()


@dataclass(frozen=True)
class FileRules:
    """Files, or directories with all below. `readable` None: reading is left to files' modes. What is writable is readable.

    `tcp` None: TCP is left to seccomp and the firewall.
    """

    readable: Sequence[Path] | None
    writable: Sequence[Path] = ()
    executable: Sequence[Path] = ()
    tcp: TcpPorts | None = NO_TCP


class PreparedRules:
    """A ruleset in the kernel that any number of processes may put over themselves. `abi`: the kernel's version; 0: it has no Landlock."""

    def __init__(self, abi: int, ruleset: int | None) -> None:
        self.abi = abi
        self._ruleset = ruleset

    def enter(self) -> None:
        """For this process, irrevocably. Nothing where the kernel has no Landlock. Raises OSError."""
        if self._ruleset is None:
            return
        if libc.syscall(_RESTRICT_SELF, self._ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
        self.close()

    def close(self) -> None:
        """The descriptor, in this process; what was entered stays."""
        if self._ruleset is not None:
            os.close(self._ruleset)
            self._ruleset = None


def prepare(rules: FileRules) -> PreparedRules:
    """Restricts nothing yet.

    Raises:
        OSError: the kernel has Landlock but refuses the rules, or a path is not there.
    """
    abi: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    if abi < 1:
        if ctypes.get_errno() in {errno.ENOSYS, errno.EOPNOTSUPP}:
            return PreparedRules(0, None)
        raise OSError(ctypes.get_errno(), "landlock")
    handled = (1 << _RIGHTS_OF_ABI.get(abi, _RIGHTS_LATEST)) - 1
    if rules.readable is None:
        handled &= ~_READ
    attributes = _ruleset_attributes(abi, handled, rules.tcp)
    ruleset: int = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        _add_rules(ruleset, rules, handled, abi)
    except BaseException:
        os.close(ruleset)
        raise
    return PreparedRules(abi, ruleset)


def _add_rules(ruleset: int, rules: FileRules, handled: int, abi: int) -> None:
    for paths, rights in ((rules.readable or (), _READ), (rules.writable, _WRITE | _WRITE_IN_FILE)):
        for path in paths:
            _allow(ruleset, path, rights & handled)
    for path in rules.executable:
        _allow(ruleset, path, (_EXECUTE | _READ) & handled)
    if abi >= _ABI_WITH_NETWORK and rules.tcp is not None:
        for right, ports in ((_BIND_TCP, rules.tcp.bind), (_CONNECT_TCP, rules.tcp.connect)):
            for port in ports:
                _add_rule(ruleset, _RULE_NET_PORT, struct.pack("=QQ", right, port), f"port {port}")


def _ruleset_attributes(abi: int, handled: int, tcp: TcpPorts | None) -> bytes:
    """struct landlock_ruleset_attr, as long as the kernel's version knows it."""
    attributes = struct.pack("@Q", handled)
    if abi >= _ABI_WITH_NETWORK:
        network = 0
        if tcp is not None:
            network = _BIND_TCP if tcp.connect_anywhere else _BIND_TCP | _CONNECT_TCP
        attributes += struct.pack("@Q", network)
    if abi >= _ABI_WITH_SCOPES:
        attributes += struct.pack("@Q", _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS)
    return attributes


def _allow(ruleset: int, path: Path, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            rights &= _ON_FILES
        if rights:  # struct landlock_path_beneath_attr is packed
            _add_rule(ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, parent), str(path))
    finally:
        os.close(parent)


def _add_rule(ruleset: int, kind: int, rule: bytes, what: str) -> None:
    if libc.syscall(_ADD_RULE, ruleset, kind, rule, 0) != 0:
        raise OSError(ctypes.get_errno(), f"landlock_add_rule {what}")
