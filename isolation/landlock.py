"""Landlock (landlock(7)): from now on, this process can open only what lies below some paths, and only to read it.

Where the kernel knows how (version 4), it can't bind or connect a TCP socket either, not even one that it inherited or accepted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from pathlib import Path

# the same numbers on every architecture
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# file system rights that each version of the interface knows: 1: 13 rights, 2: refer, 3: truncate, 5: ioctl on devices
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_LATEST = 16
_ABI_WITH_NETWORK = 4
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1


def allow_reading_only(readable: Sequence[Path]) -> int:
    """Returns the kernel's Landlock version; 0 where it has none, and then nothing was restricted.

    Raises:
        OSError: the kernel has Landlock but refuses the rules.
    """
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    abi: int = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    if abi < 1:
        if ctypes.get_errno() in {errno.ENOSYS, errno.EOPNOTSUPP}:
            return 0
        raise OSError(ctypes.get_errno(), "landlock")
    handled = struct.pack("@Q", (1 << _RIGHTS_OF_ABI.get(abi, _RIGHTS_LATEST)) - 1)
    if abi >= _ABI_WITH_NETWORK:
        handled += struct.pack("@Q", _BIND_TCP | _CONNECT_TCP)
    ruleset: int = library.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        for path in readable:
            _allow(library, ruleset, path)
        if library.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return abi


def _allow(library: ctypes.CDLL, ruleset: int, path: Path) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        rule = struct.pack("=Qi", rights, parent)  # struct landlock_path_beneath_attr is packed
        if library.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(parent)
