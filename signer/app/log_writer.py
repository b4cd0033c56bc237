"""The log writer's process: opens the journal, serves appends on an inherited socket, keeps the signed tree close behind it.

Joins the parts of `signer.audit`; what it sees of the appliance around it is in `surroundings`.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
from datetime import UTC, datetime
from functools import partial

from hsm.errors import HsmError
from isolation.readiness import say_ready
from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log, metrics
from signer.algorithms import SignMessage
from signer.app.child_process import listening_child_options
from signer.app.log_key import open_log_key
from signer.app.process_reach import enter_log_writer_sandbox
from signer.app.surroundings import FileWatch, ProcessWatch, configuration_entry, watched_files
from signer.audit import LogEntry
from signer.audit.checkpoint import NoteKey
from signer.audit.cosignature import load_witness_keys
from signer.audit.cosigned_heads import CosignedHeads
from signer.audit.known_heads import refuse_older_copy, remember_head
from signer.audit.log_file import LogFile
from signer.audit.log_process import LogServer
from signer.audit.rotation import JournalRotation
from signer.audit.tree import Integrator, Tree
from signer.config import ApplianceConfig, load_config
from signer.errors import SignerError

_log = logging.getLogger(__name__)


def main() -> int:
    """Serves until SIGTERM; start and stop are entries of the log themselves."""
    options = listening_child_options(__doc__)
    forbid_dumps_and_privileges()
    json_log.configure("log-writer")
    stop_read, stop_write = socket.socketpair()
    signal.signal(signal.SIGTERM, lambda *_: stop_write.send(b"1"))
    # Ctrl-C reaches the whole group; the supervisor says when it is our turn to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config)
        report = enter_log_writer_sandbox(config)
        writer = _Writer(config)
        writer.start()
    except (SignerError, HsmError) as problem:
        _log.error(str(problem))
        return 1
    except OSError as problem:
        _log.error("the log can't be opened for writing", extra={"fields": {"problem": problem.strerror}})
        return 1
    signal.signal(signal.SIGHUP, lambda *_: writer.note_hangup())
    say_ready(options.ready_fd, report)
    writer.serve(socket.socket(fileno=options.listen_fd), stop_read)
    return 0


class _Writer:
    """The parts of the process."""

    def __init__(self, config: ApplianceConfig) -> None:
        """Opens everything; nothing is recorded yet.

        Raises:
            ConfigurationError, HsmError: the log can't be gone on with, or its key is not there.
        """
        self._config = config
        self._journal = LogFile.open(config.log.file, config.log.log_id)
        key, sign = open_log_key(config)
        witnesses = load_witness_keys((item.name, item.public_key_file) for item in config.log.witnesses)
        self._cosigned = CosignedHeads(config.log.directory, key, witnesses)
        known = [config.log.head_file, *config.log.known_checkpoints, *self._cosigned.files()]
        refuse_older_copy(config.log.directory, key, self._journal, known)
        self._rotation = JournalRotation(self._journal, config.log.directory, config.log.journal_limit)
        self._integrator = self._make_integrator(key, sign)
        self._processes = ProcessWatch(config.run_directory / "children.json")
        self._files = FileWatch(partial(watched_files, config))
        self._hangups = 0

    def start(self) -> None:
        """Begins: start and configuration are entries. Raises ConfigurationError, ApplianceError."""
        self._integrator.start()
        self._journal.append([LogEntry("start").encode(), configuration_entry(self._config, self._files.digests())])

    def note_hangup(self) -> None:
        """From the signal handler."""
        self._hangups += 1

    def serve(self, listener: socket.socket, stop: socket.socket) -> None:
        """Until `stop` becomes readable; the stop is an entry."""
        LogServer(self._journal, listener, self._own_entries, self._maintain).serve(stop)
        self._journal.append([LogEntry("stop").encode()])
        self._integrator.stop()
        self._journal.close()

    def _make_integrator(self, key: NoteKey, sign: SignMessage) -> Integrator:
        log = self._config.log
        return Integrator(
            partial(Tree, log.directory, key),
            self._journal.tail.read,
            lambda: self._journal.count,
            sign,
            [partial(remember_head, log.head_file), self._rotation.follow],
        )

    def _own_entries(self) -> list[bytes]:
        reloads, self._hangups = self._hangups, 0
        asked = [LogEntry("configuration", detail="reload asked for (SIGHUP)").encode()] * min(reloads, 1)
        return self._processes.entries() + asked + self._files.entries()

    def _maintain(self) -> None:
        self._rotation.look()
        for witness, age in self._cosigned.ages(datetime.now(UTC)).items():
            metrics.log_cosigned_age_seconds.labels(witness).set(age)


if __name__ == "__main__":
    sys.exit(main())
