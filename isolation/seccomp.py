"""A seccomp-BPF filter (seccomp(2)) that denies, with EPERM, what a process that only computes never needs.

New sockets, programs, other processes and their memory, keys, mounts, modules, io_uring; `Calls` gives single ones back. Reading,
memory and threads stay allowed, and socket pairs, which reach nobody (asyncio wakes itself with one). Not for files: which of
them can be read or written is Landlock's matter.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from enum import Flag, auto

from isolation.c_library import libc

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
# what the filter can answer (linux/seccomp.h)
_ALLOW = 0x7FFF0000
_DENY = 0x00050000 | errno.EPERM
_ABSENT = 0x00050000 | errno.ENOSYS
_KILL = 0x80000000
# BPF instruction codes (linux/bpf_common.h)
_LOAD_WORD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENT_0 = 0, 4, 16  # struct seccomp_data; low half of the argument
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10


class Calls(Flag):
    """What a process may do beyond computing with what it holds. Anything else in `DENIED` stays denied."""

    NONE = 0
    FORK = auto()  # processes as well as threads
    EXECUTE = auto()  # other programs
    SIGNAL = auto()  # to other processes; Landlock keeps that below the process where it can
    CONNECT_LOCAL = auto()  # to unix sockets; to no network
    READ_CLOCK = auto()  # what the kernel says of its clock; setting it takes a capability, which nobody here has
    NETWORK = auto()  # sockets of unix and the internet, both ways; Landlock may narrow the ports


# system call → number on (x86_64, aarch64); None where it doesn't exist
DENIED: dict[str, tuple[int | None, int | None]] = {
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
    "kcmp": (312, 272),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
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
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "personality": (135, 92),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "uselib": (134, None),
    "modify_ldt": (154, None),
    "name_to_handle_at": (303, 264),
    "fanotify_mark": (301, 263),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_mrelease": (448, 448),
    "iopl": (172, None),
    "ioperm": (173, None),
}
# Making a process: denied, while a thread (clone with CLONE_THREAD) stays allowed. The flags of clone3 lie in memory, where a
# filter can't look: it is said not to exist, and the C library falls back to clone.
FORKING: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "clone3": (435, 435),
}
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*

# Where a jump goes: one of the four answers, or forward over that many instructions (0: to the next one).
_NEXT = 0
_LONGEST_SKIP = 255
_Instruction = tuple[int, int, int, int]  # code, value, target where true, target where false


_GIVEN_BACK = {
    Calls.EXECUTE: {"execve", "execveat"},
    Calls.SIGNAL: {"kill"},
    Calls.CONNECT_LOCAL: {"socket", "connect"},
    Calls.READ_CLOCK: {"adjtimex", "clock_adjtime"},
    Calls.NETWORK: {"socket", "connect", "bind", "listen"},
}


class PreparedFilter:
    """The filter in its machine form, ready to be installed. A forked process may install it as well."""

    def __init__(self, program: bytes) -> None:
        self._code = ctypes.create_string_buffer(program, len(program))
        # struct sock_fprog { unsigned short len; struct sock_filter *filter; }, with the compiler's padding
        header = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header, 16)

    def install(self) -> None:
        """For the calling thread and all that it starts. Raises OSError."""
        if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._header, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


def prepare(may: Calls) -> PreparedFilter | None:
    """The filter for this machine; None on a type that has no table here."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return None
    return PreparedFilter(_assemble(_filter(*ARCHITECTURES[machine], may)))


def _filter(column: int, architecture: int, may: Calls) -> list[_Instruction]:
    given_back = {name for calls, names in _GIVEN_BACK.items() if calls in may for name in names}
    denied = [pair[column] for name, pair in DENIED.items() if name not in given_back]
    if Calls.FORK not in may:
        denied += [FORKING["fork"][column], FORKING["vfork"][column]]
    return [
        (_LOAD_WORD, _OFFSET_ARCHITECTURE, _NEXT, _NEXT),
        (_JUMP_EQUAL, architecture, _NEXT, _KILL),
        (_LOAD_WORD, _OFFSET_NUMBER, _NEXT, _NEXT),
        # x32 calls have numbers of their own: none of our programs makes any
        (_JUMP_GREATER_EQUAL, _X32_BIT, _DENY, _NEXT),
        *((_JUMP_EQUAL, number, _DENY, _NEXT) for number in denied if number is not None),
        *_socket_families(column, may),
        *([] if Calls.FORK in may else _threads_only(column)),
    ]


def _socket_families(column: int, may: Calls) -> list[_Instruction]:
    """Which sockets can be made, where any can: of no other family than these."""
    if not may & (Calls.CONNECT_LOCAL | Calls.NETWORK):
        return []
    families = (_AF_UNIX, _AF_INET, _AF_INET6) if Calls.NETWORK in may else (_AF_UNIX,)
    made = DENIED["socket"][column]
    assert made is not None
    return [
        (_JUMP_EQUAL, made, _NEXT, 1 + len(families)),
        (_LOAD_WORD, _OFFSET_ARGUMENT_0, _NEXT, _NEXT),
        *((_JUMP_EQUAL, family, _ALLOW, _NEXT) for family in families[:-1]),
        (_JUMP_EQUAL, families[-1], _ALLOW, _DENY),
    ]


def _threads_only(column: int) -> list[_Instruction]:
    clone, clone3 = FORKING["clone"][column], FORKING["clone3"][column]
    assert clone is not None
    assert clone3 is not None
    return [
        (_JUMP_EQUAL, clone3, _ABSENT, _NEXT),
        (_JUMP_EQUAL, clone, _NEXT, _ALLOW),
        (_LOAD_WORD, _OFFSET_ARGUMENT_0, _NEXT, _NEXT),
        (_JUMP_ANY_BIT, _CLONE_THREAD, _ALLOW, _DENY),
    ]


def _assemble(instructions: list[_Instruction]) -> bytes:
    """Machine form: the answers stand at the end, and jumps, forward only, are distances (0: the next instruction)."""
    answers = (_ALLOW, _DENY, _ABSENT, _KILL)
    program = b""
    for position, (code, value, if_true, if_false) in enumerate(instructions):
        to_end = len(instructions) - position - 1
        distances = [
            target if target <= _LONGEST_SKIP else to_end + answers.index(target) for target in (if_true, if_false)
        ]
        program += struct.pack("@HBBI", code, *distances, value)
    # falling through the last instruction reaches the first answer: allow
    return program + b"".join(struct.pack("@HBBI", _RETURN, 0, 0, answer) for answer in answers)
