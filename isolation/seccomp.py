"""A seccomp-BPF filter (seccomp(2)) that denies, with EPERM, what a process that only computes never needs.

New sockets, programs, other processes' memory, keys, mounts, modules, io_uring. Reading, memory and threads stay allowed;
which files can be read is Landlock's matter.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RETURN_ALLOW = 0x7FFF0000
_RETURN_EPERM = 0x00050000 | errno.EPERM
_RETURN_KILL = 0x80000000
# BPF instruction codes (linux/bpf_common.h)
_LOAD_WORD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE = 0, 4  # struct seccomp_data
_X32_BIT = 0x40000000

# system call → number on (x86_64, aarch64); None where it doesn't exist
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*


def deny_dangerous_calls() -> bool:
    """Installs the filter for the calling thread and all that it starts. False on a machine type that has no table here.

    Raises:
        OSError: the kernel refuses.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    program = _program(*_ARCHITECTURES[machine])
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; }, with the compiler's padding
    header = ctypes.create_string_buffer(struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(code)), 16)
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return True


def _program(column: int, architecture: int) -> bytes:
    numbers = [pair[column] for pair in _DENIED.values()]
    denied = [number for number in numbers if number is not None]
    instructions = [
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_ARCHITECTURE),
        _instruction(_JUMP_EQUAL, 1, 0, architecture),
        _instruction(_RETURN, 0, 0, _RETURN_KILL),
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
        # x32 calls have numbers of their own: none of our programs makes any
        _instruction(_JUMP_GREATER_EQUAL, len(denied) + 1, 0, _X32_BIT),
    ]
    for position, number in enumerate(denied):
        instructions.append(_instruction(_JUMP_EQUAL, len(denied) - position, 0, number))
    instructions.append(_instruction(_RETURN, 0, 0, _RETURN_ALLOW))
    instructions.append(_instruction(_RETURN, 0, 0, _RETURN_EPERM))
    return b"".join(instructions)


def _instruction(code: int, jump_true: int, jump_false: int, value: int) -> bytes:
    return struct.pack("@HBBI", code, jump_true, jump_false, value)
