"""pyHanko's difference rules as we use them: fewer allowances, and rules of ours beside them.

Left out are its allowances for objects that nothing refers to or that are written once more as they were (a reader that repairs files
might look at them), and for pictures that are replaced under the same number. Not for what pyHanko's rules don't see: `later_revisions`.
"""

from __future__ import annotations

from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    FormUpdatingRule,
    GenericFieldModificationRule,
    QualifiedWhitelistRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
)

from signer.pades.button_rule import ButtonStateRule

_FORM_RULE = FormUpdatingRule(
    field_rules=[
        SigFieldCreationRule(),  # type: ignore[no-untyped-call] # pyHanko has no types here
        SigFieldModificationRule(allow_in_place_appearance_stream_changes=False),
        GenericFieldModificationRule(allow_in_place_appearance_stream_changes=False),
        ButtonStateRule(),
    ]
)


def difference_policy(comments: QualifiedWhitelistRule | None = None) -> StandardDiffPolicy:
    """The rules that one signature's later revisions are judged by. `comments`: what allows them, where the signer does."""
    further = [] if comments is None else [comments]
    return StandardDiffPolicy(
        [*DEFAULT_DIFF_POLICY.global_rules, *further],
        _FORM_RULE,
        ignore_orphaned_objects=False,
        ignore_identical_objects=False,
    )
