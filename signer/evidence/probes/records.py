"""What is kept: the database's schema and counts, and archived files that are still what they were. No row's content."""

from __future__ import annotations

from sqlalchemy import Table, func, select

from signer.archive.blobs import BlobDirectory
from signer.database.engine import Database
from signer.database.schema import schema_revision
from signer.database.tables import contract_documents, documents, key_versions, released_revisions
from signer.evidence.fact import Fact, FactKind, Observation, Probe, shown
from signer.evidence.surroundings import Surroundings

_SAMPLES = 20


def _database(surroundings: Surroundings) -> Observation:
    database = surroundings.open_database()
    try:
        facts = [
            Fact("schema", "数据库结构版本", schema_revision(database), FactKind.VERSION),
            Fact("backend", "数据库类型", database.engine.url.get_backend_name(), FactKind.SETTING),
            Fact("keys", "登记的密钥版本", _count(database, key_versions), FactKind.COUNT),
            Fact("contracts", "登记的合同", _count(database, contract_documents), FactKind.COUNT),
        ]
    finally:
        database.close()
    return shown("数据库可读，结构与程序相符。", "The database is readable and its schema is the program's.", facts)


def _archive(surroundings: Surroundings) -> Observation:
    database = surroundings.open_database()
    try:
        with database.transaction() as connection:
            newest = connection.execute(
                select(released_revisions.c.sm3).order_by(released_revisions.c.released_at.desc()).limit(_SAMPLES)
            )
            names = list(newest.scalars())
        facts = [
            Fact("documents", "文档（含在签发中的）", _count(database, documents), FactKind.COUNT),
            Fact("revisions", "已放出的版本", _count(database, released_revisions), FactKind.COUNT),
            Fact("samples", "抽查的归档文件", str(len(names)), FactKind.COUNT),
        ]
    finally:
        database.close()
    blobs = BlobDirectory(surroundings.blobs_directory)
    for name in names:
        blobs.get(name)  # STORAGE_CORRUPTED where a file is missing or is not what its name says
    return shown("抽查的归档文件与其 SM3 相符。", "Sample files are what their SM3 says.", facts)


def _count(database: Database, table: Table) -> str:
    with database.transaction() as connection:
        return str(connection.execute(select(func.count()).select_from(table)).scalar_one())


PROBES = (
    Probe("database", "数据库", "The database", _database),
    Probe("archive", "归档", "The archive", _archive),
)
