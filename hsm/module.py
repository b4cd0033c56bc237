"""Loads the PKCS#11 module through our locking module, finds tokens by label, and widens python-pkcs11's enumerations.

python-pkcs11 calls C_Initialize(NULL); the locking module makes that safe for threads (see locking/locking.c). One process
loads one vendor module. Load after spawning processes, never before a fork.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.exceptions import PKCS11Error

from hsm.errors import HsmError, HsmUnavailable, Reason
from hsm.return_values import from_pkcs11, name_of
from hsm.token_config import ModuleConfig

_TARGET_VARIABLE = "SIGNER_PKCS11_MODULE"
_lock = threading.Lock()  # guards _loaded and the widening of enumerations
_loaded: tuple[ModuleConfig, Module] | None = None


class Module:
    """The PKCS#11 module of this process. C_Initialize is the process's, so all session pools share what is here."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.process = os.getpid()
        # One lock for all pools of the process: none may be inside a call while another calls C_Finalize.
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)  # notified when anything below does
        # all below: guarded by lock
        self.generation = 1  # goes up when a token is lost: sessions and handles of an older generation are void
        self.initialized = 1  # the generation that C_Initialize was called for
        self.calls = 0  # leases out, in all pools
        self.connecting = False  # one thread calls C_Finalize, C_Initialize and C_Login, without holding the lock

    @classmethod
    def load(cls, config: ModuleConfig) -> Module:
        """Loads and initialises it, once in a process.

        Raises:
            HsmError: CONFIGURATION, when a file is no such module or the process has loaded with another configuration.
            HsmUnavailable: C_Initialize failed.
        """
        global _loaded  # noqa: PLW0603 - a process has one PKCS#11 module, whoever asks for it
        with _lock:
            if _loaded is None:
                _loaded = config, cls(_load(config))
            elif _loaded[0] != config:
                raise HsmError(
                    Reason.CONFIGURATION,
                    "this process has loaded a PKCS#11 module with another configuration already",
                    "Use one [token] configuration in a process.",
                )
            return _loaded[1]

    def find_token(self, label: str) -> Any:
        """The token with that label; slot numbers change, labels don't.

        Raises:
            HsmUnavailable: there is none, or more than one.
        """
        try:
            found = [
                token
                for slot in self._library.get_slots(token_present=True)
                if (token := _token_of(slot)) is not None and token.label == label
            ]
        except PKCS11Error as problem:
            raise from_pkcs11(problem, "looking for the token") from problem
        if len(found) != 1:
            raise HsmUnavailable(
                Reason.UNAVAILABLE,
                f"{'no token' if not found else 'more than one token'} with the label {label!r}",
                "Check that the HSM is connected and [token] label is right.",
            )
        return found[0]

    def reinitialize(self) -> None:
        """C_Finalize and C_Initialize: every session and handle is gone. Only while no call is under way in any thread.

        Raises:
            HsmUnavailable: C_Initialize failed.
        """
        try:
            self._library.reinitialize()
        except PKCS11Error as problem:
            # One of the two calls found it done already, say after a failed C_Finalize: C_Initialize is what matters.
            if name_of(problem) == "CKR_CRYPTOKI_NOT_INITIALIZED":
                self._initialize()
            elif name_of(problem) != "CKR_CRYPTOKI_ALREADY_INITIALIZED":
                raise from_pkcs11(problem, "initialising the module again") from problem

    def _initialize(self) -> None:
        try:
            self._library.initialize()
        except PKCS11Error as problem:
            raise from_pkcs11(problem, "initialising the module again") from problem


def _load(config: ModuleConfig) -> Any:
    for file in (config.vendor_module, config.locking_module):
        _check(file, config.environment)
    os.environ[_TARGET_VARIABLE] = str(config.vendor_module)
    try:
        return pkcs11.lib(str(config.locking_module))
    except PKCS11Error as problem:
        raise from_pkcs11(problem, "C_Initialize") from problem


def _check(file: Path, environment: Mapping[str, str]) -> None:
    """Raises HsmError (CONFIGURATION) unless the file is a PKCS#11 module: the dynamic linker's reason is lost later."""
    if not file.is_file():
        raise HsmError(Reason.CONFIGURATION, f"{file}: there is no such PKCS#11 module")
    os.environ.update(environment)  # a module may read it as soon as it is mapped
    try:
        library = ctypes.CDLL(str(file))
    except OSError as problem:
        raise HsmError(Reason.CONFIGURATION, f"{file}: can't be loaded: {problem}") from None
    if not hasattr(library, "C_GetFunctionList"):
        raise HsmError(Reason.CONFIGURATION, f"{file}: is not a PKCS#11 module (it has no C_GetFunctionList)")


def _token_of(slot: Any) -> Any:
    try:
        return slot.get_token()
    except PKCS11Error:  # an empty or broken slot next to ours is nobody's business
        return None


def vendor_member(enumeration: type[IntEnum], number: int) -> Any:
    """A vendor's number as a member of python-pkcs11's enumeration: its calls take members only."""
    with _lock:
        members: dict[int, Any] = enumeration._value2member_map_
        if number not in members:
            member = int.__new__(enumeration, number)
            member._name_ = f"VENDOR_{number:#010x}"
            member._value_ = number
            members[number] = member
        return members[number]
