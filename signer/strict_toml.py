"""Reads our TOML files strictly: an unknown key, a wrong type or a missing value is an error with file, line and remedy.

Rooms take their own types out of a `StrictTable`; nothing here knows what the settings mean. Not for data from clients.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from signer.errors import ConfigurationError, Reason

T = TypeVar("T")

_TYPE_NAMES = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    float: "a number",
    list: "a list",
    datetime: "a date with time",
}


class StrictTable:
    """One table of a TOML file. Take every key that is known, then call `finish`."""

    def __init__(self, values: dict[str, Any], source: TomlSource, path: tuple[str, ...]) -> None:
        self._values = dict(values)
        self._source = source
        self._path = path
        self._allowed: list[str] = []

    def fault(self, key: str | None, text: str, remedy: str = "") -> ConfigurationError:
        """The error to raise for this table or one of its keys; also for checks that callers make themselves."""
        path = (*self._path, key) if key is not None else self._path
        line = self._source.line_of(self._path, key)
        where = f"{self._source.name}:{line}: " if line else f"{self._source.name}: "
        return ConfigurationError(self._source.reason, f"{where}{'.'.join(path) or 'file'}: {text}", remedy)

    def _take(self, key: str, kind: type[T], *, required: bool) -> T | None:
        self._allowed.append(key)
        if key not in self._values:
            if required:
                raise self.fault(None, f"the key {key!r} is missing", f"Add {key} = … ({_TYPE_NAMES[kind]}).")
            return None
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.fault(key, f"must be {_TYPE_NAMES[kind]}, not {value!r}")
        return value

    def string(self, key: str, default: str | None = None, *, one_of: Sequence[str] = ()) -> str:
        """A string; required where there is no default."""
        value = self._take(key, str, required=default is None)
        value = default if value is None else value
        assert value is not None
        if one_of and value not in one_of:
            raise self.fault(key, f"{value!r} is not known", f"Allowed: {', '.join(one_of)}.")
        return value

    def integer(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        """A whole number within bounds (both included)."""
        value = self._take(key, int, required=default is None)
        value = default if value is None else value
        assert value is not None
        if not low <= value <= high:
            raise self.fault(key, f"{value} is out of range", f"Allowed: {low} to {high}.")
        return value

    def number(self, key: str, default: float | None = None, *, low: float, high: float) -> float:
        """A number, whole or not, within bounds (both included); required where there is no default."""
        self._allowed.append(key)
        value = self._values.pop(key, default)
        if value is None:
            raise self.fault(None, f"the key {key!r} is missing", f"Add {key} = … (a number).")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(key, f"must be a number, not {value!r}")
        if not low <= value <= high:
            raise self.fault(key, f"{value} is out of range", f"Allowed: {low:g} to {high:g}.")
        return float(value)

    def moment(self, key: str) -> datetime | None:
        """A date with time, as TOML writes it; None where it is left out."""
        return self._take(key, datetime, required=False)

    def boolean(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, bool, required=False)
        return default if value is None else value

    def strings(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(key, list, required=default is None)
        if value is None:
            return tuple(default or ())
        if not all(isinstance(item, str) for item in value):
            raise self.fault(key, "must be a list of strings")
        return tuple(value)

    def path(self, key: str, default: str | None = None) -> Path:
        """A path; relative ones count from the file's own folder."""
        return (self._source.folder / self.string(key, default)).resolve()

    @property
    def folder(self) -> Path:
        """The file's own folder, from which relative paths count."""
        return self._source.folder

    def table(self, key: str, *, required: bool = True) -> StrictTable:
        """A sub-table; an absent one that isn't required is empty."""
        self._allowed.append(key)
        value = self._values.pop(key, None)
        if value is None:
            if required:
                raise self.fault(None, f"the table [{'.'.join((*self._path, key))}] is missing")
            value = {}
        if not isinstance(value, dict):
            raise self.fault(key, "must be a table")
        return StrictTable(value, self._source, (*self._path, key))

    def has(self, key: str) -> bool:
        """Whether a key or sub-table that may be absent is there."""
        self._allowed.append(key)
        return key in self._values

    def tables(self, key: str) -> list[StrictTable]:
        """A list of tables ([[key]]), possibly empty."""
        self._allowed.append(key)
        value = self._values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.fault(key, f"must be tables written as [[{key}]]")
        return [StrictTable(item, self._source, (*self._path, f"{key}[{n}]")) for n, item in enumerate(value)]

    def remaining_strings(self) -> dict[str, str]:
        """Every key that nobody took: for tables whose keys are free, such as environment variables."""
        names = list(self._values)
        return {name: self.string(name) for name in names}

    def finish(self) -> None:
        """Raises ConfigurationError for the first key that nobody took."""
        for key in self._values:
            raise self.fault(key, "is not known here", f"Allowed: {', '.join(sorted(self._allowed))}.")


class TomlSource:
    """A TOML file's text, for finding lines again."""

    def __init__(self, file: Path, reason: Reason, content: bytes | None = None) -> None:
        self.name = str(file)
        self.folder = file.resolve().parent
        self.reason = reason
        try:
            self._text = (file.read_bytes() if content is None else content).decode("utf-8")
        except FileNotFoundError:
            raise ConfigurationError(
                reason, f"{file}: there is no such file", "Give the path of an existing file."
            ) from None
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigurationError(reason, f"{file}: can't be read ({type(problem).__name__})") from None

    def read(self) -> StrictTable:
        """The top table. Raises ConfigurationError with the line where the TOML itself is broken."""
        try:
            values = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as problem:
            at = re.search(r"line (\d+)", str(problem))
            line = f":{at[1]}" if at else ""
            raise ConfigurationError(self.reason, f"{self.name}{line}: not valid TOML: {problem}") from None
        return StrictTable(values, self, ())

    def line_of(self, path: tuple[str, ...], key: str | None) -> int:
        """The line where a table or key stands, from 1; 0 where it can't be told (inline tables)."""
        lines = self._text.splitlines()
        start = self._header_line(lines, path)
        if key is None:
            return start
        for number in range(start, len(lines)):
            if number > start and lines[number].lstrip().startswith("["):
                break
            if re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', lines[number]):
                return number + 1
        for number, line in enumerate(lines):  # a sub-table with the unknown name
            if re.match(rf"\s*\[+\s*{re.escape('.'.join((*_plain(path), key)))}\s*[\].]", line):
                return number + 1
        return 0

    @staticmethod
    def _header_line(lines: list[str], path: tuple[str, ...]) -> int:
        if not path:
            return 0
        last = re.search(r"\[(\d+)\]$", path[-1])
        wanted = int(last[1]) if last else 0
        pattern = re.compile(rf"\s*\[+\s*{re.escape('.'.join(_plain(path)))}\s*\]")
        found = [number + 1 for number, line in enumerate(lines) if pattern.match(line)]
        return found[wanted] if wanted < len(found) else 0


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"\[\d+\]$", "", part) for part in path)


def read_toml(file: Path, reason: Reason = Reason.CONFIGURATION_INVALID) -> StrictTable:
    """The top table of a TOML file.

    Raises:
        ConfigurationError: the file is missing, unreadable or not TOML.
    """
    return TomlSource(file, reason).read()


def parse_toml(file: Path, content: bytes, reason: Reason) -> StrictTable:
    """The same from a file's bytes that were read before; `file` is what errors name. Raises as `read_toml`."""
    return TomlSource(file, reason, content).read()
