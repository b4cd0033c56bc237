"""What a call wants to use: every part that a grant may have to cover. Not who asks (`actor`), not the answer (`decide`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """None: this call uses none, or it is not known yet. `key` and `template`: names without versions. `profile`: of a seal.

    `digest`: the caller gives a digest that we did not compute.
    """

    key: str | None = None
    digest: bool = False
    template: str | None = None
    profile: str | None = None

    @property
    def document_class(self) -> str | None:
        """The part of the template's name before the slash: policy, proposal, endorsement, mark …"""
        return None if self.template is None else self.template.split("/", 1)[0]


THE_CALL_ALONE = Ask()

# RPCs that use keys or templates: their use cases ask, and are counted against a grant's rate, for each use. All other RPCs
# are counted once for each call.
RPCS_WITH_USES = frozenset(
    {
        "SigningService/Sign",
        "SigningService/SignBatch",
        "SigningService/SignMessage",
        "DocumentService/RenderDocument",
        "DocumentService/SealDocument",
        "DocumentService/IssueDocument",
        "DocumentService/IssueDocuments",
        "DocumentService/ExtendDocument",
        "TimestampService/Timestamp",
    }
)
