"""The Dockerfile as it is written: what comes into the production stage, and as whom it runs. Built and run by `make prove-image`.

Threat: T29.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_DOCKERFILE = (_ROOT / "deploy" / "Dockerfile").read_text()


def _instructions() -> list[tuple[str, str]]:
    """Instruction and arguments; continued lines joined, comments left out."""
    lines = [line for line in _DOCKERFILE.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines()]


def _stage(name: str) -> list[tuple[str, str]]:
    instructions = _instructions()
    begins = [at for at, (word, _) in enumerate(instructions) if word == "FROM"]
    names = [instructions[at][1].rsplit(" AS ", 1)[1] for at in begins]
    ends = [*begins[1:], len(instructions)]
    return next(
        instructions[first + 1 : end] for first, end, found in zip(begins, ends, names, strict=True) if found == name
    )


def _copied() -> set[str]:
    """What the build takes from the repository."""
    return {source for word, arguments in _stage("build") if word == "COPY" for source in arguments.split()[:-1]}


def _installed(stage: str) -> set[str]:
    runs = " ".join(arguments for word, arguments in _stage(stage) if word == "RUN")
    lists = re.findall(r"apt-get install -y -qq --no-install-recommends ([^&]+)", runs)
    return {package for found in lists for package in found.split()}


def test_the_last_stage_is_production_and_both_have_one_base() -> None:
    stages = [arguments for word, arguments in _instructions() if word == "FROM"]
    assert stages == ["${BASE} AS build", "${BASE} AS production"]


def test_production_installs_what_the_bill_of_materials_names_and_nothing_to_build_with() -> None:
    named = tomllib.loads((_ROOT / "deploy" / "debian_packages.toml").read_text())["packages"]
    assert _installed("production") == {package["name"] for package in named}
    assert _installed("build") >= {"gcc", "make", "python3.11-venv"}
    forbidden = re.compile(r"gcc|g\+\+|clang|build-essential|-dev$|^make$|venv|pip|softhsm|sudo|curl|git")
    assert not [package for package in _installed("production") if forbidden.search(package)]


def test_it_runs_as_nobodys_root() -> None:
    production = _stage("production")
    users = [arguments for word, arguments in production if word == "USER"]
    assert users == ["10001:10001"]
    after = [word for word, _ in production[[word for word, _ in production].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after


def test_python_packages_come_by_hash_from_the_production_lock() -> None:
    runs = " ".join(arguments for word, arguments in _stage("build") if word == "RUN")
    assert "--require-hashes --no-deps -r requirements-production.lock" in runs
    assert _copied() == {
        "requirements-build.lock",
        "requirements-production.lock",
        "pyproject.toml",
        "hsm",
        "isolation",
        "monitoring",
        "policy_render",
        "signer",
    }


def test_no_development_token_is_built() -> None:
    runs = " ".join(arguments for _, arguments in _instructions())
    assert "liblocking.so" in runs
    assert "softtoken.so" not in runs


@pytest.mark.parametrize("word", ["ENTRYPOINT", "HEALTHCHECK", "VOLUME"])
def test_what_an_engine_is_told(word: str) -> None:
    told = dict(_stage("production"))[word]
    expected = {
        "ENTRYPOINT": ["/opt/signer/bin/signer", "serve", "--config", "/etc/signer/signer.toml"],
        "VOLUME": ["/var/lib/signer", "/run/signer"],
    }
    if word == "HEALTHCHECK":
        assert "/healthz" in told
    else:
        assert json.loads(told) == expected[word]


def test_what_is_not_needed_does_not_reach_the_engine() -> None:
    ignored = (_ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == {*_copied()}
