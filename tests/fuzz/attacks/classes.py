"""Every class of attacks by name, in the order of the literature."""

from __future__ import annotations

from tests.fuzz.attacks import (
    added_actions,
    bit_flips,
    cms_tricks,
    cross_reference_tricks,
    duplicate_objects,
    evil_annotation,
    form_overlays,
    incremental_saving,
    padding_junk,
    page_edits,
    parser_differentials,
    replaced_attachments,
    replaced_pictures,
    shadow_hide,
    shadow_hide_and_replace,
    shadow_replace,
    signature_wrapping,
    sneaky_signature,
    splicing,
    time_edits,
    trailing_content,
    truncation,
    two_views,
    universal_forgery,
    validation_data_smuggling,
)
from tests.fuzz.attacks.attack import Variants

CLASSES: dict[str, Variants] = {
    module.__name__.rsplit(".", 1)[1]: module.variants
    for module in (
        incremental_saving,
        signature_wrapping,
        universal_forgery,
        shadow_hide,
        shadow_replace,
        shadow_hide_and_replace,
        evil_annotation,
        sneaky_signature,
        form_overlays,
        added_actions,
        validation_data_smuggling,
        trailing_content,
        padding_junk,
        truncation,
        duplicate_objects,
        cross_reference_tricks,
        parser_differentials,
        two_views,
        cms_tricks,
        bit_flips,
        page_edits,
        replaced_pictures,
        replaced_attachments,
        splicing,
        time_edits,
    )
}
