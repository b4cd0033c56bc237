"""An administrator's act goes on record before it is done: through the log writer where it runs, else straight into the journal.

Not for what clients do: the way of a signature records that.
"""

from __future__ import annotations

from signer.audit import LogEntry
from signer.audit.log_client import LogClient
from signer.audit.log_file import DirectLog, LogFile
from signer.config import ApplianceConfig
from signer.deadline import Deadline
from signer.errors import SignerError

_WITHIN_S = 10.0
CLIENT = "administrator"


def record_act(config: ApplianceConfig, detail: str) -> int:
    """Makes an entry "administration" durable and returns its index. `detail`: fixed words and numbers, nothing personal.

    Raises:
        ApplianceError: LOG_UNAVAILABLE. ConfigurationError: the journal can't be used. The act must not be done then.
    """
    entry = LogEntry("administration", client=CLIENT, detail=detail).encode()
    client = LogClient(config.log.socket)
    try:
        return client.append([entry], Deadline.after(_WITHIN_S))[0].index
    except SignerError:
        pass  # no writer, or one that can't write: the journal's lock tells
    finally:
        client.close()
    journal = LogFile.open(config.log.file, config.log.log_id)
    try:
        return DirectLog(journal).append([entry], Deadline.after(_WITHIN_S))[0].index
    finally:
        journal.close()
