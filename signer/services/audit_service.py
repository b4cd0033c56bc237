"""AuditService: receipts with their proofs, checkpoints and consistency proofs, cosignatures of witnesses."""

from __future__ import annotations

import json

import grpc

from signer.audit.receipt import SignedTree
from signer.errors import AccessError, Reason, RequestError
from signer.services.call import current_call
from signer.v1 import audit_pb2 as wire
from signer.v1 import types_pb2
from signer.v1.audit_pb2_grpc import AuditServiceServicer


class AuditServicer(AuditServiceServicer):
    """Answers the RPCs of AuditService from the files of the signed tree."""

    def __init__(self, tree: SignedTree, log_id: str) -> None:
        self._tree = tree
        self._log_id = log_id

    def GetReceipt(self, request: wire.GetReceiptRequest, context: grpc.ServicerContext) -> types_pb2.LogReceipt:
        """The receipt of an entry of the caller's own, with its inclusion proof."""
        if request.log_id != self._log_id:
            raise RequestError(
                Reason.LOG_UNKNOWN,
                "this appliance keeps another log",
                f"Its log is {self._log_id}; ask the log's own one.",
            )
        receipt = self._tree.receipt(request.index, cosigned=request.cosigned)
        # An entry tells who signed what and when: other clients' entries are an auditor's, who reads the files.
        if json.loads(receipt.entry).get("client", "") != current_call.get().actor.client:
            raise AccessError(
                Reason.GRANT_MISSING, "the entry is not about a call of yours", "Ask for entries of your own receipts."
            )
        return types_pb2.LogReceipt(
            log_id=self._log_id,
            index=receipt.index,
            entry=receipt.entry,
            checkpoint=receipt.checkpoint.text,
            inclusion_proof=receipt.proof,
        )

    def GetCheckpoint(
        self, request: wire.GetCheckpointRequest, context: grpc.ServicerContext
    ) -> wire.GetCheckpointResponse:
        """The latest checkpoint (or cosigned one), and the proof that the log only grew since a size that the caller knows."""
        checkpoint = self._tree.cosigned_checkpoint() if request.cosigned else self._tree.checkpoint()
        proof = self._tree.consistency(request.consistent_with_size, checkpoint)
        return wire.GetCheckpointResponse(checkpoint=checkpoint.text, consistency_proof=proof)

    def AddCosignature(
        self, request: wire.AddCosignatureRequest, context: grpc.ServicerContext
    ) -> wire.AddCosignatureResponse:
        """Keeps a witness's cosignature, verified, where it is newer than the one before."""
        found = self._tree.add_cosignatures(request.checkpoint)
        return wire.AddCosignatureResponse(witnesses=[cosignature.witness for cosignature in found])
