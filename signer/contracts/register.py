"""Keeps which document speaks for which contract. Not for the documents' files: those are the archive's."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select

from signer.contracts.contract import ContractTerm
from signer.database.engine import Database
from signer.database.tables import contract_documents

_RECORD = insert(contract_documents)
_BY_DOCUMENT = select(contract_documents).where(contract_documents.c.document_id == bindparam("document_id"))


class ContractRegister:
    """Terms of contracts by document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def record(connection: Connection, document_id: str, term: ContractTerm) -> None:
        """Adds the term within the caller's transaction: a released document and its contract appear together."""
        connection.execute(
            _RECORD,
            {
                "document_id": document_id,
                "contract_number": term.number,
                "begins_at": term.begins_at,
                "ends_at": term.ends_at,
            },
        )

    def term_of(self, document_id: str) -> ContractTerm | None:
        """The term of the contract that a document speaks for. Raises ApplianceError."""
        row = self._database.look_up(_BY_DOCUMENT, {"document_id": document_id})
        return None if row is None else ContractTerm(row.contract_number, row.begins_at, row.ends_at)
