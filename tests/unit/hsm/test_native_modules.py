"""Our two C modules, by their own C checks: under sanitizers, under valgrind, and with threads behind the locking module."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_HSM = Path(__file__).resolve().parents[3] / "hsm"


@pytest.mark.timeout(300)
def test_c_checks_pass_in_every_surrounding() -> None:
    result = subprocess.run(["make", "-s", "-C", str(_HSM), "test-native"], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    found = dict(re.findall(r"^(\w+): (\d+) checks, 0 failures$", result.stdout, re.MULTILINE))
    assert set(found) == {"sanitizers", "valgrind", "locking"}
    assert all(int(count) > 500 for count in found.values())


def test_locking_without_a_vendor_module_says_what_to_do() -> None:
    library = _HSM.parent / "build" / "native" / "liblocking.so"
    program = (
        "import ctypes, sys\n"
        "pointer = ctypes.c_void_p()\n"
        "print(ctypes.CDLL(sys.argv[1]).C_GetFunctionList(ctypes.byref(pointer)))\n"
    )
    for environment, said in (({}, "not set"), ({"SIGNER_PKCS11_MODULE": "/nowhere.so"}, "can't load")):
        result = subprocess.run(
            ["python3", "-c", program, str(library)],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
        assert result.stdout.strip() == "5"  # CKR_GENERAL_ERROR
        assert said in result.stderr
        assert "SIGNER_PKCS11_MODULE" in result.stderr
