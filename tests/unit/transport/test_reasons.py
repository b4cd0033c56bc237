"""Every reason of every package has its gRPC status; what is not ours tells nothing."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

import hsm.errors
import policy_render.errors
import signer.errors
from policy_render.errors import RenderError, Violation
from signer.transport.reasons import RETRY_SOON, STATUS_OF_REASON
from signer.transport.status_table import status_code, to_status, wire_reason

_ALL = {reason.value for package in (hsm.errors, policy_render.errors, signer.errors) for reason in package.Reason}


def test_the_table_is_complete_and_names_nothing_else() -> None:
    assert set(STATUS_OF_REASON) == _ALL
    assert _ALL >= RETRY_SOON


def test_reasons_are_spelled_as_google_wants_them() -> None:
    assert wire_reason("key-unknown") == "KEY_UNKNOWN"


def test_violations_travel_as_bad_request() -> None:
    problem = RenderError(
        policy_render.errors.Reason.DATA_INVALID, "m", "r", violations=(Violation("$.a", "is missing"),)
    )
    status = to_status(problem)
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert [(item.field, item.description) for item in bad.field_violations] == [("$.a", "is missing")]


def test_an_unknown_exception_tells_nothing_of_itself() -> None:
    problem = ValueError("the PIN is 1234 and 张三 lives here")
    assert status_code(problem) is grpc.StatusCode.INTERNAL
    status = to_status(problem)
    assert "1234" not in str(status)
    assert "request_id" in status.message


@pytest.mark.parametrize("reason", sorted(_ALL))
def test_no_reason_maps_to_ok_or_unknown(reason: str) -> None:
    assert STATUS_OF_REASON[reason] not in {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN}
