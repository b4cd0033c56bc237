"""The insurance contract behind documents: which document speaks for it, and in which state it is on a given day."""

from signer.contracts.contract import ContractState, ContractTerm, state_at
from signer.contracts.register import ContractRegister

__all__ = ["ContractRegister", "ContractState", "ContractTerm", "state_at"]
