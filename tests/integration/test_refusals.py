"""Bad input over the wire: each kind gets its status, its reason, a message that says what to do, and costs nothing else.

Threats: T1, T2.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from signer.certificates.tls import make_authority, make_client
from signer.client import Connection, RemoteError, load_profile
from signer.transport.identity import CLIENT_URI_PREFIX
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from signer.v1 import types_pb2 as types
from signer.v1.signing_pb2_grpc import SigningServiceStub
from tests.conftest import RunningAppliance

_SM2, _RSA = types.SIGNATURE_ALGORITHM_SM2_SM3, types.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA256
_OK = {"key": "message-sm2", "message": b"m"}


def _refused(call: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("request_fields", "status", "reason"),
    [
        ({"key": "nobody", "message": b"m"}, "NOT_FOUND", "KEY_UNKNOWN"),
        ({"key": "message-sm2@7", "message": b"m"}, "NOT_FOUND", "KEY_VERSION_UNKNOWN"),
        ({"key": "message-sm2@x", "message": b"m"}, "INVALID_ARGUMENT", "INPUT_MALFORMED"),
        ({"key": "", "message": b"m"}, "INVALID_ARGUMENT", "INPUT_MALFORMED"),
        ({"key": "seal-sm2", "message": b"m"}, "FAILED_PRECONDITION", "KEY_PURPOSE"),
        ({"key": "message-sm2", "algorithm": _RSA, "message": b"m"}, "INVALID_ARGUMENT", "ALGORITHM_NOT_ALLOWED"),
        ({"key": "message-sm2", "algorithm": 99, "message": b"m"}, "INVALID_ARGUMENT", "ALGORITHM_UNKNOWN"),
        ({"key": "message-sm2", "digest": b"\0" * 31}, "INVALID_ARGUMENT", "DIGEST_LENGTH"),
        ({"key": "message-rsa", "digest": b"\0" * 48}, "INVALID_ARGUMENT", "DIGEST_LENGTH"),
        ({"key": "message-sm2"}, "INVALID_ARGUMENT", "INPUT_MISSING"),
        ({"key": "message-sm2", "message": b"m", "sm2_id": b"x" * 8192}, "INVALID_ARGUMENT", "SM2_ID_INVALID"),
        ({"key": "message-rsa", "message": b"m", "sm2_id": b"x"}, "INVALID_ARGUMENT", "SM2_ID_INVALID"),
        ({"key": "message-sm2", "digest": b"\0" * 32, "sm2_id": b"x"}, "INVALID_ARGUMENT", "SM2_ID_INVALID"),
    ],
)
def test_sign(connection: Connection, request_fields: dict[str, Any], status: str, reason: str) -> None:
    problem = _refused(lambda: connection.call(connection.signing.Sign, sig.SignRequest(**request_fields)))
    assert (problem.status, problem.reason) == (status, reason)
    assert problem.message


def test_a_batch_has_its_limit(connection: Connection) -> None:
    item = sig.SignRequest(**_OK)  # type: ignore[arg-type]  # a plain dictionary of fields
    for count, reason in ((0, "BATCH_EMPTY"), (1001, "BATCH_TOO_LARGE")):
        request = sig.SignBatchRequest(requests=[item] * count)
        problem = _refused(lambda request=request: connection.call(connection.signing.SignBatch, request))  # type: ignore[misc]  # bound now
        assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"message": b"m", "signature": b"s", "key": "message-sm2"}, "ALGORITHM_UNKNOWN"),
        ({"algorithm": _SM2, "signature": b"s", "key": "message-sm2"}, "INPUT_MISSING"),
        ({"algorithm": _SM2, "message": b"m", "key": "message-sm2"}, "INPUT_MISSING"),
        ({"algorithm": _SM2, "message": b"m", "signature": b"s"}, "INPUT_MISSING"),
        ({"algorithm": _SM2, "message": b"m", "signature": b"s", "public_key": b"\x30\x00"}, "PUBLIC_KEY_MALFORMED"),
        ({"algorithm": _SM2, "message": b"m", "signature": b"s", "certificate": b"\x30\x00"}, "CERTIFICATE_MALFORMED"),
        ({"algorithm": _RSA, "message": b"m", "signature": b"s", "key": "message-sm2"}, "ALGORITHM_NOT_ALLOWED"),
    ],
)
def test_verify(connection: Connection, fields: dict[str, Any], reason: str) -> None:
    problem = _refused(lambda: connection.call(connection.signing.Verify, sig.VerifyRequest(**fields)))
    assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", reason)


@pytest.mark.parametrize("cms", [b"", b"\x30\x00", b"\x30\x80\x00\x00", b"\xff" * 100, b"\x30\x84\xff\xff\xff\xff"])
def test_garbage_for_cms(connection: Connection, cms: bytes) -> None:
    request = sig.VerifyMessageRequest(cms=cms, content=b"x")
    problem = _refused(lambda: connection.call(connection.signing.VerifyMessage, request))
    assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", "CMS_MALFORMED")


def test_page_tokens_are_ours(connection: Connection) -> None:
    problem = _refused(lambda: connection.call(connection.signing.ListKeys, sig.ListKeysRequest(page_token="x")))
    assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


# ---- documents


def _issue(connection: Connection, data_json: str, **fields: Any) -> Callable[[], object]:
    values = {"issue_id": str(uuid.uuid4()), "template": "policy/commercial", "data_json": data_json, **fields}
    return lambda: connection.call(connection.documents.IssueDocument, doc.IssueDocumentRequest(**values))


def test_every_fault_in_the_data_is_told_at_once_with_its_path(connection: Connection, sample: dict[str, Any]) -> None:
    data = copy.deepcopy(sample)
    data["vehicle"]["vin"] = "O" * 17
    data["coverages"][2]["premium"] = 82.1
    data["coverages"][3]["premium"] = "-1.00"
    data["period"]["begins_at"] = "2026-02-30T00:00:00+08:00"
    del data["policyholder"]["name"]
    data["insured"]["age"] = 3
    problem = _refused(_issue(connection, json.dumps(data)))
    assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", "DATA_INVALID")
    faults = dict(problem.violations)
    assert set(faults) == {
        "$.vehicle.vin",
        "$.coverages[2].premium",
        "$.coverages[3].premium",
        "$.period.begins_at",
        "$.policyholder",
        "$.insured",
    }
    assert "decimal string" in faults["$.coverages[2].premium"]
    assert faults["$.policyholder"] == "lacks name"


def test_rules_between_fields_hold(connection: Connection, sample: dict[str, Any]) -> None:
    data = copy.deepcopy(sample)
    data["premium"]["total"] = "2782.83"
    data["period"]["ends_at"] = data["period"]["begins_at"]
    problem = _refused(_issue(connection, json.dumps(data)))
    assert [field for field, _ in problem.violations] == [
        "$.premium.total",
        "$.premium.total_capitals",
        "$.period.ends_at",
    ]


def test_duplicate_keys_are_found_with_their_path(connection: Connection, sample: dict[str, Any]) -> None:
    text = json.dumps(sample, ensure_ascii=False).replace('"plate":', '"plate": "京A1", "plate":')
    problem = _refused(_issue(connection, text))
    assert ("$.vehicle.plate", "stands more than once") in problem.violations


@pytest.mark.parametrize("text", ["", "{", "[1,2", '{"a": NaN}', "\ufeff{}", "[" * 100_000, "1e999999"])
def test_what_is_not_json_is_told_so(connection: Connection, text: str) -> None:
    problem = _refused(_issue(connection, text))
    assert problem.status == "INVALID_ARGUMENT"
    assert problem.reason in {"DATA_MALFORMED", "DATA_INVALID"}


def test_a_character_that_no_font_has_is_named(connection: Connection, sample: dict[str, Any]) -> None:
    data = copy.deepcopy(sample)
    data["insured"]["name"] = "张\U000e0041"
    problem = _refused(_issue(connection, json.dumps(data)))
    assert (problem.status, problem.reason) == ("INVALID_ARGUMENT", "CHARACTER_NOT_PRINTABLE")
    assert problem.violations[0][0] == "$.insured.name"
    assert "U+E0041" in problem.violations[0][1]


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"template": "policy/nothing"}, "NOT_FOUND", "TEMPLATE_UNKNOWN"),
        ({"template": "policy/commercial@9"}, "NOT_FOUND", "TEMPLATE_UNKNOWN"),
        ({"template": ""}, "NOT_FOUND", "TEMPLATE_UNKNOWN"),
        ({"issue_id": ""}, "INVALID_ARGUMENT", "ISSUE_ID_INVALID"),
        ({"issue_id": "x" * 129}, "INVALID_ARGUMENT", "ISSUE_ID_INVALID"),
        ({"issue_id": "a\nb"}, "INVALID_ARGUMENT", "ISSUE_ID_INVALID"),
        ({"seals": [doc.Seal(key="message-sm2")]}, "FAILED_PRECONDITION", "KEY_PURPOSE"),
        ({"seals": [doc.Seal(key="nobody")]}, "NOT_FOUND", "KEY_UNKNOWN"),
        ({"seals": [doc.Seal()] * 9}, "INVALID_ARGUMENT", "SEAL_INVALID"),
        ({"seals": [doc.Seal(key="seal-rsa", profile=doc.Seal.PROFILE_GBT_38540)]}, "INVALID_ARGUMENT", "SEAL_INVALID"),
        ({"seals": [doc.Seal(profile=9)]}, "INVALID_ARGUMENT", "SEAL_INVALID"),  # type: ignore[arg-type]  # a hostile number
        ({"seals": [doc.Seal(reason="x" * 201)]}, "INVALID_ARGUMENT", "SEAL_INVALID"),
        (
            {"seals": [doc.Seal(places=[doc.SealPlace(keyword=doc.SealPlace.Keyword(text="章", width_mm=9))] * 17)]},
            "INVALID_ARGUMENT",
            "SEAL_INVALID",
        ),
        ({"seals": [doc.Seal(places=[doc.SealPlace()])]}, "INVALID_ARGUMENT", "SEAL_INVALID"),
        (
            {"seals": [doc.Seal(places=[doc.SealPlace(keyword=doc.SealPlace.Keyword(text="章"))])]},
            "INVALID_ARGUMENT",
            "SEAL_INVALID",  # no width
        ),
    ],
)
def test_issue(
    connection: Connection, sample: dict[str, Any], fields: dict[str, Any], status: str, reason: str
) -> None:
    problem = _refused(_issue(connection, json.dumps(sample), **fields))
    assert (problem.status, problem.reason) == (status, reason)


@pytest.mark.parametrize(
    "box",
    [
        doc.SealPlace.Box(page=2, x_mm=100, y_mm=100, width_mm=40),
        doc.SealPlace.Box(page=0, x_mm=100, y_mm=100, width_mm=40),
        doc.SealPlace.Box(page=1, x_mm=5, y_mm=100, width_mm=40),
        doc.SealPlace.Box(page=1, x_mm=100, y_mm=290, width_mm=40),
        doc.SealPlace.Box(page=1, x_mm=float("nan"), y_mm=100, width_mm=40),
    ],
)
def test_a_seal_off_the_page_is_refused(connection: Connection, sample: dict[str, Any], box: doc.SealPlace.Box) -> None:
    seal = doc.Seal(places=[doc.SealPlace(box=box)])
    problem = _refused(_issue(connection, json.dumps(sample), seals=[seal]))
    assert (problem.status, problem.reason) in {
        ("INVALID_ARGUMENT", "SEAL_PLACE_OFF_PAGE"),
        ("INVALID_ARGUMENT", "SEAL_INVALID"),
    }


def test_a_refused_issue_id_can_be_used_again(connection: Connection, sample: dict[str, Any]) -> None:
    issue_id = str(uuid.uuid4())
    off = doc.SealPlace(box=doc.SealPlace.Box(page=9, x_mm=100, y_mm=100, width_mm=40))
    _refused(_issue(connection, json.dumps(sample), issue_id=issue_id, seals=[doc.Seal(places=[off])]))
    assert _issue(connection, json.dumps(sample), issue_id=issue_id)()


# ---- callers


def test_an_oversized_message_is_refused_by_the_transport(connection: Connection) -> None:
    request = doc.VerifyDocumentRequest(pdf=bytes(34 * 1024 * 1024))
    with pytest.raises(RemoteError) as caught:
        connection.call(connection.documents.VerifyDocument, request)
    assert caught.value.status == "RESOURCE_EXHAUSTED"


def test_an_expired_deadline_is_told_so(connection: Connection) -> None:
    with pytest.raises(RemoteError) as caught:
        connection.call(connection.signing.Sign, sig.SignRequest(**_OK), timeout=0.000001)  # type: ignore[arg-type]  # fields
    assert caught.value.status == "DEADLINE_EXCEEDED"


def test_without_a_client_certificate_there_is_no_connection(appliance: RunningAppliance) -> None:
    credentials = grpc.ssl_channel_credentials((appliance.directory / "ca.pem").read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{appliance.port}", credentials) as channel:
        stub = SigningServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ListKeys(sig.ListKeysRequest(), timeout=5)
    assert "StatusCode.UNAVAILABLE" in str(caught.value)


def test_a_certificate_of_another_authority_is_refused(appliance: RunningAppliance, tmp_path: Path) -> None:
    other = make_client(make_authority("somebody"), "core", CLIENT_URI_PREFIX + "core")
    problem = _list_keys_as(appliance, other.certificate_pem, other.key_pem, tmp_path)
    assert problem.status == "UNAVAILABLE"
    assert "trust this client certificate" in problem.message


@pytest.mark.parametrize(
    ("uri", "status", "reason"),
    [
        (CLIENT_URI_PREFIX + "nobody", "PERMISSION_DENIED", "CLIENT_UNKNOWN"),
        ("urn:other:core", "UNAUTHENTICATED", "CLIENT_UNIDENTIFIED"),
        (CLIENT_URI_PREFIX + "Core/../x", "UNAUTHENTICATED", "CLIENT_UNIDENTIFIED"),
    ],
)
def test_identity_comes_from_the_certificate(
    appliance: RunningAppliance, tmp_path: Path, uri: str, status: str, reason: str
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from signer.certificates.tls import TlsPair

    folder = appliance.directory / "tls"
    key = load_pem_private_key((folder / "authority.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    authority = TlsPair(x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes()), key)
    client = make_client(authority, "core", uri)
    problem = _list_keys_as(appliance, client.certificate_pem, client.key_pem, tmp_path)
    assert (problem.status, problem.reason) == (status, reason)


def _list_keys_as(appliance: RunningAppliance, certificate: bytes, key: bytes, folder: Path) -> RemoteError:
    (folder / "cert.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    (folder / "profile.toml").write_text(
        f'address = "127.0.0.1:{appliance.port}"\nauthority = "{appliance.directory}/ca.pem"\n'
        'certificate = "cert.pem"\nkey = "key.pem"\n'
    )
    with Connection(load_profile(folder / "profile.toml"), timeout=5) as connection:
        return _refused(connection.list_keys)


def test_metadata_claims_no_identity(appliance: RunningAppliance, connection: Connection) -> None:
    forged = (("x-forwarded-client-cert", "URI=urn:signer:client:admin"), ("client", "admin"))
    answer = connection.signing.Sign(sig.SignRequest(**_OK), timeout=10, metadata=forged)  # type: ignore[arg-type]  # fields
    assert b'"client":"core"' in answer.receipt.entry
