"""What the log writer records of the appliance around it: processes that come and go, files that change; their digests alone (T9)."""

from __future__ import annotations

import json
from pathlib import Path

from signer.app.surroundings import FileWatch, ProcessWatch


def _details(entries: list[bytes]) -> list[str]:
    return [json.loads(entry)["detail"] for entry in entries]


def test_processes_that_become_ready_and_end_are_entries(tmp_path: Path) -> None:
    state = tmp_path / "children.json"
    watch = ProcessWatch(state)
    assert watch.entries() == []

    def now(**children: tuple[int, bool]) -> list[str]:
        state.write_text(json.dumps({"children": {n: {"pid": p, "ready": r} for n, (p, r) in children.items()}}))
        return _details(watch.entries())

    assert now(front=(1, False)) == []
    assert now(front=(1, True)) == ["front started"]
    assert now(front=(1, True)) == []
    assert now(front=(1, False)) == ["front ended"]
    assert now(front=(2, True)) == ["front started"]
    assert now(front=(3, True)) == ["front ended", "front started"]
    state.write_text("{")
    assert watch.entries() == []


def test_a_changed_file_is_an_entry_with_its_digest(tmp_path: Path) -> None:
    folder = tmp_path / "crl"
    folder.mkdir()
    certificate = tmp_path / "certificate"
    certificate.write_bytes(b"first")
    watch = FileWatch(lambda: [("certificate", certificate), *((file.name, file) for file in sorted(folder.iterdir()))])
    first = watch.digests()
    assert list(first) == ["certificate"]
    assert watch.entries() == []
    certificate.write_bytes(b"second")
    (folder / "a.crl").write_bytes(b"list")
    (told,) = _details(watch.entries())
    now = watch.digests()
    assert told == f"changed: a.crl {now['a.crl']}, certificate {now['certificate']}"
    assert now["certificate"] != first["certificate"]
    (folder / "a.crl").unlink()
    certificate.unlink()
    assert _details(watch.entries()) == ["changed: a.crl absent, certificate absent"]
    assert watch.entries() == []
