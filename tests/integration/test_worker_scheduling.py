"""How the kernel runs the workers of a running appliance."""

from __future__ import annotations

import os
from pathlib import Path

from signer.app.processors import shares
from tests.conftest import RunningAppliance


def test_every_thread_of_a_worker_keeps_to_its_processors_and_takes_turns(appliance: RunningAppliance) -> None:
    workers = {name: pid for name, pid in appliance.children().items() if name.startswith("worker-")}
    seen = set()
    for pid in workers.values():
        threads = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
        (processors,) = {frozenset(os.sched_getaffinity(thread)) for thread in threads}
        seen.add(processors)
    assert seen == set(shares(len(workers)))


def test_other_processes_run_as_the_kernel_likes(appliance: RunningAppliance) -> None:
    others = [pid for name, pid in appliance.children().items() if not name.startswith("worker-")]
    assert {os.sched_getscheduler(pid) for pid in others} == {os.SCHED_OTHER}
