"""Makes system calls inside a running process, as code that had been smuggled into it would: by ptrace, from root, on x86-64.

The only way to ask the kernel itself what a process of a running appliance may still do. Not for anything but tests.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GETREGS, _SETREGS, _SINGLESTEP, _DETACH, _SEIZE, _INTERRUPT = 12, 13, 9, 17, 0x4206, 0x4207
# struct user_regs_struct (sys/user.h): where the registers are that a call uses
_REGISTERS = 27
_R10, _R9, _R8, _RAX, _RDX, _RSI, _RDI, _ORIG_RAX, _RIP, _RSP = 7, 8, 9, 10, 12, 13, 14, 15, 16, 19
_SYSCALL = b"\x0f\x05"
_BELOW_STACK = 64 * 1024
_WALL = 0x40000000  # __WALL: wait for threads, too


class InjectedCalls:
    """A stopped thread that makes the calls it is told, and goes on afterwards as if nothing had been."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.ptrace.restype = ctypes.c_long
        self._library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def call(self, number: int, *arguments: int | bytes) -> int:
        """The kernel's answer: negative for an error (-errno). Bytes are passed by address, ended by a zero."""
        saved = self._get_registers()
        registers = list(saved)
        place = (saved[_RSP] - _BELOW_STACK) & ~0xFFF
        values = []
        for argument in arguments:
            if isinstance(argument, bytes):
                self._write(place, argument + b"\0")
                values.append(place)
                place += len(argument) + 64
            else:
                values.append(argument)
        for register, value in zip((_RDI, _RSI, _RDX, _R10, _R8, _R9), [*values, 0, 0, 0, 0, 0, 0], strict=False):
            registers[register] = value & 0xFFFFFFFFFFFFFFFF
        registers[_RAX], registers[_ORIG_RAX] = number, 0xFFFFFFFFFFFFFFFF
        registers[_RIP] = self._syscall_instruction()
        self._set_registers(registers)
        self._ptrace(_SINGLESTEP)
        self._wait()
        answer: int = struct.unpack("q", struct.pack("Q", self._get_registers()[_RAX]))[0]
        self._set_registers(list(saved))
        return answer

    def _syscall_instruction(self) -> int:
        """Somewhere in its own code: the C library is full of them."""
        for line in Path(f"/proc/{self._pid}/maps").read_text().splitlines():
            fields = line.split()
            if len(fields) == 6 and "x" in fields[1] and "libc.so" in fields[5]:
                first, last = (int(part, 16) for part in fields[0].split("-"))
                with Path(f"/proc/{self._pid}/mem").open("rb") as memory:
                    memory.seek(first)
                    return first + memory.read(last - first).index(_SYSCALL)
        raise AssertionError("no C library in the process")

    def _write(self, place: int, content: bytes) -> None:
        with Path(f"/proc/{self._pid}/mem").open("r+b", buffering=0) as memory:
            memory.seek(place)
            memory.write(content)

    def _get_registers(self) -> tuple[int, ...]:
        held = ctypes.create_string_buffer(_REGISTERS * 8)
        self._ptrace(_GETREGS, ctypes.addressof(held))
        return struct.unpack(f"{_REGISTERS}Q", held.raw)

    def _set_registers(self, registers: list[int]) -> None:
        wanted = ctypes.create_string_buffer(struct.pack(f"{_REGISTERS}Q", *registers))
        self._ptrace(_SETREGS, ctypes.addressof(wanted))

    def _ptrace(self, request: int, data: int = 0) -> None:
        if self._library.ptrace(request, self._pid, None, data) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}")

    def _wait(self) -> None:
        _, status = os.waitpid(self._pid, _WALL)
        assert os.WIFSTOPPED(status), f"the process ended: {status}"


@contextmanager
def calls_inside(pid: int) -> Iterator[InjectedCalls]:
    """Stops the process's first thread and lets it go again."""
    calls = InjectedCalls(pid)
    calls._ptrace(_SEIZE)
    try:
        calls._ptrace(_INTERRUPT)
        calls._wait()
        yield calls
    finally:
        calls._ptrace(_DETACH)
