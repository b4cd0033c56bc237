"""`openssl verify` and the product judge the same paths: they agree, or the case says why not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import pem

from tests.conformance.path_cases import CASES, Case, case


def _write(file: Path, certificates: tuple[bytes, ...]) -> Path:
    file.write_bytes(b"".join(pem.armor("CERTIFICATE", der) for der in certificates))
    return file


def _accepted(directory: Path, given: Case, *options: str) -> bool:
    untrusted = ("-untrusted", _write(directory / "others.pem", given.others)) if given.others else ()
    command = (
        *("openssl", "verify", "-no-CApath", "-no-CAstore", "-partial_chain", "-auth_level", "2", *options),
        *("-attime", str(int(given.at.timestamp())), "-CAfile", _write(directory / "anchors.pem", given.anchors)),
        *(*untrusted, _write(directory / "leaf.pem", (given.leaf,))),
    )
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_openssl_agrees(name: str, tmp_path: Path) -> None:
    given = case(name)
    if "SM2" in name:
        # OpenSSL gives the ID to the leaf's signature alone: one certificate after the other, each below the next
        path = (given.leaf, *given.others, *given.anchors)
        steps = [replace(given, leaf=path[at], others=(), anchors=(path[at + 1],)) for at in range(len(path) - 1)]
        accepted = all(_accepted(tmp_path, step, "-vfyopt", "distid:1234567812345678") for step in steps)
    else:
        accepted = _accepted(tmp_path, given)
    assert accepted is given.openssl_accepts
