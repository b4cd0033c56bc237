"""pyHanko's difference rules know check boxes and radio buttons only where field and widget are one object: here, where they are two.

A button's widget may change its state to another one that it had a picture for when the document was signed, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyhanko.pdf_utils import generic
from pyhanko.sign.diff_analysis import FieldComparisonContext, FieldMDPRule, FormUpdate, ModificationLevel
from pyhanko.sign.diff_analysis.commons import compare_dicts

from signer.pades.signed_revision import entry, subdictionary

_STATE = frozenset({"/AS"})


class ButtonStateRule(FieldMDPRule):
    """Allows states of widgets below fields of type Btn, at the level of form filling."""

    def apply(self, context: FieldComparisonContext) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """See `FieldMDPRule`."""
        for name, spec in context.field_specs.items():
            old, new = spec.old_field, spec.new_field
            if spec.field_type != "/Btn" or old is None or new is None or "/Kids" not in old:
                continue
            for kid in old["/Kids"]:
                if not isinstance(kid, generic.IndirectObject):
                    continue
                before, after = context.old(kid.reference), context.new(kid.reference)
                if "/T" in before:
                    continue  # a field of its own
                compare_dicts(before, after, _STATE)
                if _has_picture(before, after):
                    yield ModificationLevel.FORM_FILLING, FormUpdate(updated_ref=kid.reference, field_name=name)


def _has_picture(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    state = entry(after, "/AS", "/Off")
    return state == "/Off" or state in subdictionary(subdictionary(before, "/AP"), "/N")
