"""A verification never fails because of its report: where it can't be signed it is missing; a key that isn't fit stops the start."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from hsm.errors import HsmUnavailable
from hsm.errors import Reason as HsmReason
from monitoring import metrics
from signer.algorithms import SignatureAlgorithm
from signer.authz import Actor
from signer.cms.verify import verify_signed_data
from signer.deadline import Deadline
from signer.documents.report import ReportMaker
from signer.documents.report_config import ReportsConfig
from signer.documents.verify import DocumentReport, Origin
from signer.errors import AccessError, ApplianceError, ConfigurationError, Reason, RequestError
from signer.keys import KeyState, KeyVersion, Purpose
from signer.keys.registry import KeyRegistry
from signer.pades.evidence import Integrity
from signer.signing import Signer
from tests.conformance.message_signers import signer as software_signer

_WHO = software_signer(SignatureAlgorithm.SM2_SM3)
_ACTOR = Actor("portal", "r1", "DocumentService/VerifyDocument")
_REPORT = DocumentReport(Integrity.UNREADABLE, Origin.UNKNOWN, None)
_KEY = KeyVersion(
    "report-sm2",
    1,
    Purpose.REPORT,
    (SignatureAlgorithm.SM2_SM3,),
    b"k",
    _WHO.public_key,
    (_WHO.certificate, _WHO.root),
    KeyState.ACTIVE,
    datetime.now(UTC),
)


class _KeyInSoftware:
    """What `Signer.report_signer` gives, with a key in this process."""

    key, algorithm, receipts = _KEY, SignatureAlgorithm.SM2_SM3, ()

    def __call__(self, message: bytes) -> bytes:
        return _WHO.sign(message)


class _SignerStandIn:
    """Gives the capability, or fails as told. `asked`: seconds that it was given."""

    def __init__(self, problem: Exception | None = None) -> None:
        self._problem = problem
        self.asked = 0.0

    def report_signer(self, actor: Actor, key: str, deadline: Deadline) -> _KeyInSoftware:
        """As `Signer.report_signer`."""
        self.asked = deadline.remaining()
        if self._problem is not None:
            raise self._problem
        return _KeyInSoftware()


def _maker(stand_in: _SignerStandIn, key: str = "report-sm2") -> ReportMaker:
    return ReportMaker.from_config(ReportsConfig(key, "demo"), KeyRegistry([_KEY]), cast(Signer, cast(Any, stand_in)))


def test_a_report_is_made_and_leaves_the_caller_time() -> None:
    stand_in = _SignerStandIn()
    made = _maker(stand_in).make(_ACTOR, b"pdf", _REPORT, "", Deadline.after(2))
    assert 0 < stand_in.asked <= 1
    evidence = verify_signed_data(made)
    assert json.loads(evidence.content or b"")["integrity"] == "UNREADABLE"
    assert evidence.signing_time is not None
    _maker(stand_in).make(_ACTOR, b"pdf", _REPORT, "", Deadline.after(3600))
    assert stand_in.asked <= 3


@pytest.mark.parametrize(
    "problem",
    [
        HsmUnavailable(HsmReason.UNAVAILABLE, "the token is gone"),
        ApplianceError(Reason.LOG_UNAVAILABLE, "x"),
        ApplianceError(Reason.CLOCK_NOT_TRUSTED, "x"),
        RequestError(Reason.KEY_NOT_ACTIVE, "x"),
        AccessError(Reason.GRANT_MISSING, "x"),
    ],
)
def test_what_fails_costs_the_report_alone(problem: Any) -> None:
    counted = metrics.reports.labels(problem.reason.value)._value
    before = counted.get()
    assert _maker(_SignerStandIn(problem)).make(_ACTOR, b"pdf", _REPORT, "", Deadline.after(10)) == b""
    assert counted.get() == before + 1


def test_a_deadline_that_has_passed_costs_the_report_alone() -> None:
    assert _maker(_SignerStandIn()).make(_ACTOR, b"pdf", _REPORT, "", Deadline.after(-1)) == b""


def test_without_a_key_reports_are_unsigned() -> None:
    assert _maker(_SignerStandIn(), key="").make(_ACTOR, b"pdf", _REPORT, "", Deadline.after(10)) == b""


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (replace(_KEY, purpose=Purpose.MESSAGE), "its purpose is 'message'"),
        (replace(_KEY, certificate_chain=()), "it has no certificate"),
        (replace(_KEY, name="other"), "there is no key 'report-sm2'"),
    ],
)
def test_a_key_that_is_not_fit_stops_the_start(key: KeyVersion, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        ReportMaker.from_config(
            ReportsConfig("report-sm2", "demo"), KeyRegistry([key]), cast(Signer, cast(Any, _SignerStandIn()))
        )
