"""The C library, for the system calls that Python has no function for. Loaded once: each loading costs as much as many calls."""

from __future__ import annotations

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
