"""Reservations, releases and the issue register on a real SQLite database; blobs on a real disk."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signer.algorithms import sm3
from signer.archive.blobs import BlobDirectory, BlobDirectoryConfig
from signer.archive.catalogue import Catalogue, ReleasedDocument, Reservation, StoredReceipt
from signer.database.database_config import DatabaseConfig
from signer.database.engine import Database
from signer.database.schema import check_schema, upgrade_schema
from signer.database.tables import metadata
from signer.errors import ApplianceError, ConfigurationError, RequestError


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database at the newest schema."""
    opened = Database.from_config(DatabaseConfig(f"sqlite:///{tmp_path}/s.db"))
    upgrade_schema(opened)
    return opened


def _reserve(
    catalogue: Catalogue, *, issue_id: str = "i", digest: bytes = b"d" * 32, document_id: str = "doc"
) -> object:
    return catalogue.reserve(
        client="core", issue_id=issue_id, request_digest=digest, document_id=document_id, template="t@1"
    )


def _document(document_id: str = "doc") -> ReleasedDocument:
    receipt = StoredReceipt("log", 7, b"entry")
    return ReleasedDocument(document_id, "t@1", "N1", datetime.now(UTC).replace(microsecond=5), b"s" * 32, (receipt,))


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    check_schema(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_empty_database_is_told_how_to_upgrade(tmp_path: Path) -> None:
    empty = Database.from_config(DatabaseConfig(f"sqlite:///{tmp_path}/e.db"))
    with pytest.raises(ConfigurationError) as refused:
        check_schema(empty)
    assert "signer database upgrade" in refused.value.remedy


def test_a_released_document_is_found_again(database: Database) -> None:
    catalogue = Catalogue(database, "me")
    assert _reserve(catalogue) == Reservation("doc")
    document = _document()
    catalogue.release(document, signed_sm3=b"r" * 32)
    assert _reserve(catalogue) == document
    assert catalogue.find_released("doc") == document
    revision = catalogue.find_revision(sm3=b"s" * 32)
    assert revision is not None
    assert catalogue.find_signed_revision(signed_sm3=b"r" * 32) == revision
    assert catalogue.find_revision(sm3=b"x" * 32) is None


def test_an_issue_id_is_reserved_once(database: Database) -> None:
    catalogue = Catalogue(database, "me")
    _reserve(catalogue)
    with pytest.raises(RequestError) as refused:
        _reserve(catalogue, document_id="other")
    assert refused.value.reason.value == "issue-in-progress"
    with pytest.raises(RequestError) as refused:
        _reserve(catalogue, digest=b"e" * 32)
    assert refused.value.reason.value == "issue-id-reused"


def test_a_cancelled_or_abandoned_reservation_is_free_again(database: Database) -> None:
    catalogue = Catalogue(database, "me")
    reservation = _reserve(catalogue)
    assert isinstance(reservation, Reservation)
    catalogue.cancel(reservation)
    assert isinstance(_reserve(catalogue), Reservation)
    Catalogue(database, "somebody else").abandon_own_reservations()
    with pytest.raises(RequestError):
        _reserve(catalogue)
    Catalogue(database, "me").abandon_own_reservations()
    assert isinstance(_reserve(catalogue), Reservation)


def test_a_release_is_all_or_nothing(database: Database) -> None:
    catalogue = Catalogue(database, "me")
    _reserve(catalogue)

    def fail(_: object) -> None:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        catalogue.release(_document(), signed_sm3=b"r" * 32, together_with=[fail])
    assert catalogue.find_released("doc") is None
    assert catalogue.find_revision(sm3=b"s" * 32) is None


def test_what_was_not_reserved_can_not_be_released(database: Database) -> None:
    with pytest.raises(RequestError):
        Catalogue(database, "me").release(_document(), signed_sm3=b"r" * 32)


def test_of_many_at_once_one_gets_the_issue_id(database: Database) -> None:
    got: list[object] = []

    def work(number: int) -> None:
        try:
            got.append(_reserve(Catalogue(database, f"w{number}"), document_id=f"d{number}"))
        except RequestError:
            got.append(None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([item for item in got if isinstance(item, Reservation)]) == 1
    assert len(got) == 8


def test_blobs_are_found_by_their_content_and_checked(tmp_path: Path) -> None:
    blobs = BlobDirectory.from_config(BlobDirectoryConfig(tmp_path / "a"))
    name = blobs.put(b"content")
    assert name == sm3.digest(b"content")
    assert blobs.put(b"content") == name
    assert blobs.get(name) == b"content"
    (file,) = (tmp_path / "a").glob("??/*")
    file.write_bytes(b"altered")
    with pytest.raises(ApplianceError, match="altered"):
        blobs.get(name)
    file.unlink()
    with pytest.raises(ApplianceError, match="missing"):
        blobs.get(name)


def test_orphans_are_what_no_row_names(tmp_path: Path) -> None:
    blobs = BlobDirectory.from_config(BlobDirectoryConfig(tmp_path / "a"))
    kept, orphan = blobs.put(b"kept"), blobs.put(b"orphan")
    (tmp_path / "a" / "00" / ".new-1").write_bytes(b"torn")
    found = {file.name for file in blobs.orphans({kept}, older_than=float("inf"))}
    assert found == {orphan.hex(), ".new-1"}
    assert not list(blobs.orphans({kept}, older_than=0))
