"""What callers are told about documents that are not sealed. Words only; `signer.pades.stranger_sealing` decides."""

from __future__ import annotations

from signer.errors import Reason, RequestError
from signer.pades.stranger_plan import Unsafe

_OFF_PAGE = "Places count from the shown page's top left, in millimetres; look at the document."
# What is wrong, and what to do.
_WORDS = {
    Unsafe.ENCRYPTED: ("it is encrypted", "Send it without a password."),
    Unsafe.XFA: ("it holds an XFA form, which shows what no seal covers", "Print it into a plain PDF."),
    Unsafe.SCRIPTS: ("it holds scripts or actions that can change what it shows", "Print it into a plain PDF."),
    Unsafe.DAMAGED: ("it can't be read strictly as PDF", "Open it, save it anew, and look at the result."),
    Unsafe.CERTIFIED: (
        "an earlier signature certifies it against every change",
        "Have it signed anew from its original.",
    ),
    Unsafe.TOO_MANY_PAGES: ("it has too many pages", "Split it."),
    Unsafe.NO_SUCH_PAGE: ("it has no page that a seal's place names", "Pages count from 1."),
    Unsafe.OFF_PAGE: ("a seal's place is off its page", _OFF_PAGE),
    Unsafe.ONE_PAGE: ("a seal across pages needs two pages at least", "Give a box or a keyword."),
}
_PLACES = frozenset({Unsafe.NO_SUCH_PAGE, Unsafe.OFF_PAGE, Unsafe.ONE_PAGE})


def refusal(reason: Unsafe) -> RequestError:
    """The error for a document that can't be sealed, or not there."""
    what, remedy = _WORDS[reason]
    code = Reason.SEAL_PLACE_OFF_PAGE if reason in _PLACES else Reason.DOCUMENT_UNSAFE_TO_SEAL
    return RequestError(code, f"the document is not sealed: {what}", remedy)
