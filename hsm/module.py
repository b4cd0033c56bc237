"""Loads the PKCS#11 module through our locking module, finds tokens by label, and widens python-pkcs11's enumerations.

python-pkcs11 calls C_Initialize(NULL); the locking module makes that safe for threads (see locking/locking.c). One process
loads one vendor module. Load after spawning processes, never before a fork.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.exceptions import PKCS11Error

from hsm.errors import HsmError, HsmUnavailable, Reason, from_pkcs11

_TARGET_VARIABLE = "SIGNER_PKCS11_MODULE"
_lock = threading.Lock()  # guards the loading of libraries and the widening of enumerations


@dataclass(frozen=True)
class ModuleConfig:
    """`vendor_module`, `locking_module`: absolute paths. `environment`: what the vendor's module wants to find there."""

    vendor_module: Path
    locking_module: Path
    environment: Mapping[str, str]


class Module:
    """A loaded PKCS#11 module."""

    def __init__(self, library: Any) -> None:
        self._library = library

    @classmethod
    def load(cls, config: ModuleConfig) -> Module:
        """Loads and initialises it.

        Raises:
            HsmError: CONFIGURATION, when a file is missing or another vendor's module is loaded already.
            HsmUnavailable: C_Initialize failed.
        """
        for file in (config.locking_module, config.vendor_module):
            if not file.is_file():
                raise HsmError(Reason.CONFIGURATION, f"{file}: there is no such PKCS#11 module")
        with _lock:
            loaded = os.environ.get(_TARGET_VARIABLE)
            if loaded not in {None, str(config.vendor_module)}:
                raise HsmError(Reason.CONFIGURATION, "this process has loaded another vendor's module already")
            os.environ.update(config.environment)
            os.environ[_TARGET_VARIABLE] = str(config.vendor_module)
            try:
                return cls(pkcs11.lib(str(config.locking_module)))
            except PKCS11Error as problem:
                raise from_pkcs11(problem, "C_Initialize") from problem
            except RuntimeError:
                raise HsmError(
                    Reason.CONFIGURATION,
                    f"{config.vendor_module}: can't be loaded",
                    "The reason stands above, on standard error.",
                ) from None

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
        """C_Finalize and C_Initialize: every session and handle is gone. Only while no call is under way."""
        try:
            self._library.reinitialize()
        except PKCS11Error as problem:
            raise from_pkcs11(problem, "reinitialising the module") from problem


def _token_of(slot: Any) -> Any:
    try:
        return slot.get_token()
    except PKCS11Error:  # an empty or broken slot next to ours is nobody's business
        return None


def vendor_member(enumeration: type[IntEnum], name: str, number: int) -> Any:
    """A vendor's number as a member of python-pkcs11's enumeration: its calls take members only."""
    with _lock:
        members: dict[int, Any] = enumeration._value2member_map_
        if number not in members:
            member = int.__new__(enumeration, number)
            member._name_ = name
            member._value_ = number
            members[number] = member
        return members[number]
