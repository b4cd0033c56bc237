"""The inspector pool as a whole: a real sandboxed process for each file, and what its client makes of their fates.

Threat: T6.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from isolation.frames import receive_frame, send_frame
from signer.errors import ApplianceError, Reason, RequestError
from signer.findings import FindingCode
from signer.pades.evidence import Integrity
from signer.pades.inspector import Inspector, InspectorConfig
from tests.fuzz.hostile_pdfs import bombs, forged_copies, lies, with_pages
from tests.fuzz.inspector_pool import InspectorPool, inspector_pool
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, new_pki, own_pki, sealed
from tests.fuzz.strangers import signed_by, with_document_timestamp, with_validation_data


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InspectorPool]:
    anchors = [own_pki(RSA).root, own_pki(SM2).root]
    with inspector_pool(tmp_path_factory.mktemp("inspector"), anchors) as running:
        yield running


def _slow() -> bytes:
    """A file that keeps its process busy for seconds: many fields."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    return with_pages(b"3 0 R", 1, {3: page}, b"/AcroForm<</Fields[%b]>>" % (b"<</FT/Tx/T(x)>>" * 600_000))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill_children(pool: InspectorPool) -> None:
    for child in _children(pool.process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_documents_are_judged(pool: InspectorPool) -> None:
    client = pool.client()
    for data in (sealed(RSA), sealed(SM2)):
        report = client.inspect(data)
        assert report.integrity is Integrity.WHOLE
        assert report.signatures[0].trusted
    for algorithm in (RSA, SM2):
        report = client.inspect(signed_by(rendered(), new_pki(algorithm, "Unknown")))
        assert report.integrity is Integrity.WHOLE
        assert not report.signatures[0].trusted
    assert client.inspect(rendered()).integrity is Integrity.UNSIGNED


def test_many_at_once_get_their_own_answers(pool: InspectorPool) -> None:
    files = [sealed(RSA), rendered(), sealed(SM2)[:-1], b"no pdf"] * 4
    wanted = [Integrity.WHOLE, Integrity.UNSIGNED, Integrity.CHANGED, Integrity.UNREADABLE] * 4
    client = pool.client()
    with ThreadPoolExecutor(8) as threads:
        assert [report.integrity for report in threads.map(client.inspect, files)] == wanted


def test_forged_and_lying_files_get_an_answer(pool: InspectorPool) -> None:
    client = pool.client()
    for name, data in forged_copies(sealed(SM2)):
        assert client.inspect(data).integrity is Integrity.CHANGED, name
    for name, data in lies():
        assert client.inspect(data).integrity is not Integrity.WHOLE, name


@pytest.mark.parametrize("name", [name for name, _ in bombs()])
def test_bombs_get_an_answer_and_the_pool_goes_on(pool: InspectorPool, name: str) -> None:
    report = pool.client().inspect(dict(bombs())[name])
    assert report.integrity in {Integrity.UNREADABLE, Integrity.UNSIGNED}
    assert report.findings
    assert pool.client().inspect(rendered()).integrity is Integrity.UNSIGNED


def test_a_file_that_its_process_does_not_survive_is_unreadable(pool: InspectorPool) -> None:
    before = REGISTRY.get_sample_value("signer_inspection_limits_hit_total", {"limit": "process"}) or 0
    done = threading.Event()

    def kill_all() -> None:
        while not done.is_set():
            _kill_children(pool)
            time.sleep(0.05)

    killer = threading.Thread(target=kill_all)
    killer.start()
    try:
        report = pool.client().inspect(_slow())
    finally:
        done.set()
        killer.join()
    assert report.integrity is Integrity.UNREADABLE
    assert {item.code for item in report.findings} == {FindingCode.INSPECTION_LIMIT}
    assert REGISTRY.get_sample_value("signer_inspection_limits_hit_total", {"limit": "process"}) == before + 1


def test_a_process_that_died_once_by_chance_is_asked_again(pool: InspectorPool) -> None:
    killed: list[int] = []

    def kill_first() -> None:
        while not killed:
            killed.extend(_children(pool.process.pid)[:1])
            for child in killed:
                os.kill(child, signal.SIGKILL)

    killer = threading.Thread(target=kill_first)
    killer.start()
    report = pool.client().inspect(sealed(RSA))
    killer.join()
    assert killed
    assert report.integrity is Integrity.WHOLE


def test_files_are_opened_behind_the_sandbox(pool: InspectorPool) -> None:
    """What the sandbox denies is tested where it is made; here: that every child is in it while it judges."""
    asking = threading.Thread(target=lambda: pool.client().inspect(_slow()))
    asking.start()
    try:
        status: dict[str, str] = {}
        until = time.monotonic() + 10
        while status.get("Seccomp", "").strip() != "2" and time.monotonic() < until:
            for child in _children(pool.process.pid):
                with suppress(OSError):
                    lines = Path(f"/proc/{child}/status").read_text().splitlines()
                    status = dict(line.split(":", 1) for line in lines)
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
    finally:
        while asking.is_alive():
            _kill_children(pool)
            time.sleep(0.05)


def test_the_callers_deadline_and_our_own_are_told_apart(pool: InspectorPool) -> None:
    with pytest.raises(RequestError) as late:
        pool.client().inspect(_slow(), timeout=0.3)
    assert late.value.reason is Reason.DEADLINE_EXCEEDED
    with pytest.raises(ApplianceError) as busy:
        pool.client(timeout=0.3).inspect(_slow(), timeout=60)
    assert busy.value.reason is Reason.OVERLOADED
    assert busy.value.remedy
    _kill_children(pool)  # nobody waits for those files any more


def test_a_pool_that_is_not_there_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError) as caught:
        Inspector.from_config(InspectorConfig(tmp_path / "nobody.sock", 5)).inspect(rendered())
    assert caught.value.reason is Reason.INSPECTOR_UNAVAILABLE


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"integrity":"WHOLE","pages":1,"findings":[],"signatures":[]}', None])
def test_an_answer_that_is_no_report_is_a_limit_that_was_hit(tmp_path: Path, answer: bytes | None) -> None:
    path = tmp_path / "hostile.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(BrokenPipeError):  # the client may hang up once it has seen enough
                receive_frame(connection, limit=1 << 20)
                if answer is None:
                    connection.sendall(b"\xff\xff\xff\xff")
                else:
                    send_frame(connection, answer)

        server = threading.Thread(target=serve)
        server.start()
        report = Inspector.from_config(InspectorConfig(path, 10)).inspect(rendered())
        server.join()
    assert report.integrity is Integrity.UNREADABLE
    assert {item.code for item in report.findings} == {FindingCode.INSPECTION_LIMIT}


@pytest.mark.soak
def test_ten_bombs_at_once_leave_room_for_good_uploads(pool: InspectorPool) -> None:
    kinds = [_slow(), *(data for _, data in bombs())]
    with ThreadPoolExecutor(14) as threads:
        hostile = [threads.submit(pool.client().inspect, kinds[number % len(kinds)]) for number in range(10)]
        slow = [threads.submit(pool.client().inspect, _slow()) for _ in range(2)]
        good = [threads.submit(pool.client().inspect, sealed(RSA)) for _ in range(2)]
        assert [item.result().integrity for item in good] == [Integrity.WHOLE] * 2
        assert all(item.result().integrity is not Integrity.WHOLE for item in [*hostile, *slow])


@pytest.mark.soak
def test_a_file_that_takes_too_long_is_given_up(pool: InspectorPool) -> None:
    report = pool.client(timeout=60).inspect(_slow())
    assert report.integrity is Integrity.UNREADABLE
    assert {item.code for item in report.findings} == {FindingCode.INSPECTION_LIMIT}


def test_the_pool_ends_when_told_to(tmp_path: Path) -> None:
    with inspector_pool(tmp_path, [own_pki(RSA).root]) as running:
        assert running.client().inspect(rendered()).integrity is Integrity.UNSIGNED
        process = running.process
    assert process.returncode == 0


def test_what_came_later_is_judged_behind_the_sandbox_too(pool: InspectorPool) -> None:
    """Documents with metadata need a library that must have been loaded before the sandbox closed."""
    pki = own_pki(RSA)
    extended = with_validation_data(sealed(RSA), pki)
    report = pool.client().inspect(with_document_timestamp(extended, pki))
    assert report.integrity is Integrity.WHOLE
    assert report.signatures[0].has(FindingCode.VALIDATION_DATA_ADDED)
