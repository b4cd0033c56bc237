"""What differs between HSM vendors, as data: profiles/<vendor>.toml. Code only where data can't say it.

A profile says by which number SM2 is done, how e goes in and r, s come out, what the token tells of wrong PINs, and how a
development token is told. Not for where a token is and who logs in: the configuration says that.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hsm.errors import HsmError, Reason

_PROFILES = Path(__file__).parent / "profiles"
_VENDOR_DEFINED = range(0x8000_0000, 1 << 32)  # CKM_VENDOR_DEFINED, CKK_VENDOR_DEFINED (PKCS#11 2.40)
_CKK_EC = 3
_TYPE_NAMES = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    list: "a list of strings",
    dict: "a table",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Sm2Mechanisms:
    """`sign`: the mechanism that takes e. `output`: "raw" (r ‖ s) or "der". `generate`: key pair generation.

    `key_type`: the CKA_KEY_TYPE to ask for where the generation mechanism alone doesn't say it.
    """

    sign: int
    generate: int
    output: str
    key_type: int | None = None


@dataclass(frozen=True)
class VendorProfile:
    """`development_models`, `development_manufacturers`: marks in CK_TOKEN_INFO (blanks trimmed) of development tokens.

    `tells_wrong_pins`: CKF_USER_PIN_COUNT_LOW is set by every wrong PIN and cleared by a right one; PKCS#11 allows tokens
    to never set it.
    """

    name: str
    title: str
    sm2: Sm2Mechanisms | None
    development_models: tuple[str, ...] = ()
    development_manufacturers: tuple[str, ...] = ()
    tells_wrong_pins: bool = False


def profile_names() -> list[str]:
    """The profiles that ship."""
    return sorted(file.stem for file in _PROFILES.glob("*.toml"))


def is_development_token(manufacturer: str, model: str) -> bool:
    """Whether any profile that ships knows it as one: choosing another profile doesn't make a token fit for production."""
    profiles = [load_profile(name) for name in profile_names()]
    return any(
        model in profile.development_models or manufacturer in profile.development_manufacturers for profile in profiles
    )


def load_profile(name: str, folder: Path = _PROFILES) -> VendorProfile:
    """Reads a profile strictly.

    Raises:
        HsmError: CONFIGURATION; says which file, line and key, and what is allowed.
    """
    names = sorted(file.stem for file in folder.glob("*.toml"))
    if name not in names:
        raise HsmError(Reason.CONFIGURATION, f"there is no vendor profile {name!r}", f"Allowed: {', '.join(names)}.")
    file = folder / f"{name}.toml"
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, ValueError) as problem:  # tomllib's text names the line
        raise HsmError(Reason.CONFIGURATION, f"{file}: not valid TOML: {problem}", "Correct the profile.") from None
    table = _Table(file, text, "", values)
    table.allow("title", "sm2", "development_models", "development_manufacturers", "tells_wrong_pins")
    sm2 = table.take("sm2", dict, None)
    return VendorProfile(
        name=name,
        title=table.take("title", str),
        sm2=None if sm2 is None else _read_sm2(_Table(file, text, "sm2", sm2)),
        development_models=table.take_strings("development_models"),
        development_manufacturers=table.take_strings("development_manufacturers"),
        tells_wrong_pins=table.take("tells_wrong_pins", bool, False),
    )


def _read_sm2(table: _Table) -> Sm2Mechanisms:
    table.allow("sign", "generate", "input", "output", "key_type")
    table.take_one_of("input", ("e",))  # we compute e = SM3(Z ‖ M) ourselves
    return Sm2Mechanisms(
        sign=table.take_number("sign", _VENDOR_DEFINED),
        generate=table.take_number("generate", _VENDOR_DEFINED),
        output=table.take_one_of("output", ("raw", "der")),
        key_type=table.take_number("key_type", {_CKK_EC}, _VENDOR_DEFINED) if "key_type" in table else None,
    )


class _Table:
    """A table of the file, for taking its values one by one."""

    def __init__(self, file: Path, text: str, name: str, values: Mapping[str, Any]) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._name = name
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def allow(self, *keys: str) -> None:
        """Raises HsmError for the first key that isn't among these."""
        for key in self._values:
            if key not in keys:
                raise self._fault(key, "is not known here", f"Allowed: {', '.join(sorted(keys))}.")

    def take(self, key: str, kind: type[T], *default: Any) -> Any:
        """The value; without a default the key is required."""
        if key not in self._values:
            if not default:
                raise self._fault(None, f"the key {key!r} is missing", f"Add {key} = … ({_TYPE_NAMES[kind]}).")
            return default[0]
        value = self._values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._fault(key, f"must be {_TYPE_NAMES[kind]}, not {value!r}")
        return value

    def take_strings(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where the key is missing."""
        values = self.take(key, list, [])
        if not all(isinstance(value, str) and value for value in values):
            raise self._fault(key, f"must be {_TYPE_NAMES[list]}, none of them empty")
        return tuple(values)

    def take_one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of some words."""
        value: str = self.take(key, str)
        if value not in allowed:
            raise self._fault(key, f"{value!r} is not known", f"Allowed: {', '.join(allowed)}.")
        return value

    def take_number(self, key: str, *allowed: Collection[int]) -> int:
        """A number of PKCS#11's."""
        value: int = self.take(key, int)
        if not any(value in numbers for numbers in allowed):
            raise self._fault(
                key, f"{value:#x} is not one of a vendor's", "Allowed: 0x80000000 to 0xffffffff (for key_type also 3)."
            )
        return value

    def _fault(self, key: str | None, text: str, remedy: str = "") -> HsmError:
        line = self._line_of(key)
        where = ".".join(part for part in (self._name, key) if part) or "file"
        return HsmError(
            Reason.CONFIGURATION, f"{self._file}{f':{line}' if line else ''}: {where}: {text}", remedy or "Correct it."
        )

    def _line_of(self, key: str | None) -> int:
        """From 1; 0 where it can't be told."""
        inside = not self._name
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
            if header:
                inside = header[1] == self._name
                if (inside and key is None) or (not self._name and header[1] == key):
                    return number
            elif inside and key is not None and re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', line):
                return number
        return 0
