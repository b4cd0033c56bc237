"""Where a drill takes place: what it may do to an appliance, and how it puts everything back. A copy or the live system.

The sites themselves are in `signer.app.drill_sites`: they need the configuration, processes and a client.
"""

from __future__ import annotations

from typing import Protocol

from signer.evidence.remote import RemoteAppliance
from signer.evidence.surroundings import LogPlace


class StepFailed(Exception):
    """A step did not show what it should; the text, in Chinese, is its observation."""


class Site(Protocol):
    """`kind`: copy or live. `described_zh`: one sentence for the record. `appliance`: whose drill it is, by its log's name.
    `log`: of the site itself. `patience`: seconds until what was done must be noticed.

    The acts return what was seen, in Chinese, and raise StepFailed where they can't be done.
    """

    kind: str
    described_zh: str
    company: str
    appliance: str
    remote: RemoteAppliance
    log: LogPlace

    @property
    def patience(self) -> float:
        """See above."""
        ...

    def take_token_away(self) -> str:
        """The signing keys' token is gone, or somebody was asked to take it away."""
        ...

    def return_token(self) -> str:
        """The opposite."""
        ...

    def fill_log_disk(self) -> str:
        """The log can't grow any more."""
        ...

    def free_log_disk(self) -> str:
        """The opposite."""
        ...

    def register_compromise(self, key: str) -> str:
        """The key version (name@version) is registered as compromised, and the workers know."""
        ...

    def restore(self) -> None:
        """Undoes whatever was not undone yet; may be called at any time, raises nothing."""
        ...
