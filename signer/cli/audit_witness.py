"""`signer audit witness|add-cosignature`: an outside party cosigns a log's heads, and refuses a fork, a rollback, a cut end.

A witness needs no key of the log but its public one. It can be another appliance (key in its log token) or anybody with a key file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from signer.algorithms import SignMessage
from signer.audit.cosignature import WitnessKey
from signer.audit.witness import CosignedHead, LogContradiction, Witness
from signer.cli.arguments import Commands, add_client_arguments, add_command, add_every_argument, connect
from signer.cli.audit_log import add_config_argument, load
from signer.cli.output import ExitStatus, LocalError, say, write_file
from signer.client import Connection, RemoteError

_WITNESS = """\
  signer audit witness --init --key witness.key
  signer audit witness --name auditor --key witness.key --origin demo-1 --log-key log.pem --state witness/ \\
      --profile clients/auditor/profile.toml --every 60
  signer audit witness --name auditor --key witness.key --origin demo-1 --log-key log.pem --state witness/ \\
      --from copied-log/ --out cosigned-checkpoint
  signer audit witness --name branch --config signer.toml …   # another appliance; its key is in its log token"""
_ADD = "  signer audit add-cosignature cosigned-checkpoint --profile clients/core/profile.toml"


def add_verbs(verbs: Commands) -> None:
    """Adds the two verbs."""
    summary = "见证：联署树头，拒绝分叉与回滚 · cosign tree heads; refuse a fork or a rollback"
    witness = add_command(verbs, "witness", summary, _WITNESS)
    add_client_arguments(witness)
    add_config_argument(witness, required=False)
    witness.add_argument("--init", action="store_true", help="make the witness's key and end")
    witness.add_argument(
        "--key", type=Path, metavar="FILE", help="a software key in a file (PKCS#8); else --config's log token"
    )
    witness.add_argument("--name", help="the witness's name, as the log's owner has configured it")
    witness.add_argument("--origin", help="the log's name")
    witness.add_argument("--log-key", type=Path, metavar="FILE", help="the log's public key (PEM)")
    witness.add_argument(
        "--state", type=Path, metavar="DIR", help="keeps the last cosigned head of each log, and evidence"
    )
    witness.add_argument(
        "--from", type=Path, dest="copied", metavar="DIR", help="a copied log directory instead of gRPC"
    )
    witness.add_argument("--out", metavar="FILE", help="write the cosigned checkpoint (for add-cosignature)")
    add_every_argument(witness)
    witness.set_defaults(run=_witness)
    add = add_command(verbs, "add-cosignature", "交回见证签名 · hand a cosigned checkpoint to the appliance", _ADD)
    add_client_arguments(add)
    add.add_argument("file", help="the cosigned checkpoint")
    add.set_defaults(run=_add)


def _witness(options: argparse.Namespace) -> ExitStatus:
    if (options.key is None) == (options.config is None):
        raise LocalError("give --key FILE, or --config signer.toml for a key in its log token")
    if options.init:
        return _init(options)
    if any(value is None for value in (options.name, options.origin, options.log_key, options.state)):
        raise LocalError("--name, --origin, --log-key and --state are needed")
    from signer.audit.checkpoint import load_note_key

    own, sign = _own_key(options)
    witness = Witness(options.state, load_note_key(options.log_key, options.origin), own, sign)
    while True:
        try:
            _once(options, witness)
        except LogContradiction as problem:
            return _contradiction(options, problem)
        except RemoteError as problem:
            if options.every is None:
                raise
            print(f"signer: {problem}", file=sys.stderr, flush=True)
        if options.every is None:
            return ExitStatus.OK
        time.sleep(options.every)


def _init(options: argparse.Namespace) -> ExitStatus:
    from signer.app.witness_key import make_file_key, make_token_key

    if options.config is not None:
        if not options.out:
            raise LocalError("--init with a token wants --out FILE for the public key")
        write_file(options.out, make_token_key(load(options)))
        place, told = options.out, "密钥在日志令牌中 · the key is in the log token"
    else:
        place = str(make_file_key(options.key))
        told = "软件密钥文件，仅由文件权限保护 · a software key in a file, guarded by the file's mode alone"
    say(options, {"public_key": place, "in_token": options.config is not None}, [told, f"公钥 public key: {place}"])
    return ExitStatus.OK


def _own_key(options: argparse.Namespace) -> tuple[WitnessKey, SignMessage]:
    from signer.app.witness_key import open_file_key, open_token_key

    if options.config is not None:
        return open_token_key(load(options), options.name)
    return open_file_key(options.key, options.name)


def _once(options: argparse.Namespace, witness: Witness) -> None:
    if options.copied is not None:
        text, proof = _fetch_copied(options, witness)
        _tell(options, witness.cosign(text, proof, datetime.now(UTC)), handed_back=False)
        return
    with connect(options) as connection:
        text, proof = _fetch_remote(connection, witness)
        head = witness.cosign(text, proof, datetime.now(UTC))
        _hand_back(connection, head.note)
    _tell(options, head, handed_back=True)


def _fetch_remote(connection: Connection, witness: Witness) -> tuple[str, Sequence[bytes]]:
    """The newest head with its proof. One that is smaller than the known one is told at once: the appliance has no proof for it."""
    from signer.v1 import audit_pb2
    from signer.v1.audit_pb2_grpc import AuditServiceStub

    known = witness.known()
    audit = AuditServiceStub(connection.channel)
    answer = connection.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest())
    witness.refuse_smaller(answer.checkpoint)
    if known is not None:
        request = audit_pb2.GetCheckpointRequest(consistent_with_size=known.size)
        answer = connection.call(audit.GetCheckpoint, request)
    return answer.checkpoint, list(answer.consistency_proof)


def _fetch_copied(options: argparse.Namespace, witness: Witness) -> tuple[str, Sequence[bytes]]:
    from signer.audit.checkpoint import load_note_key
    from signer.audit.receipt import SignedTree

    tree = SignedTree(options.copied, load_note_key(options.log_key, options.origin))
    known, checkpoint = witness.known(), tree.checkpoint()
    witness.refuse_smaller(checkpoint.text)
    return checkpoint.text, [] if known is None else tree.consistency(known.size, checkpoint)


def _hand_back(connection: Connection, note: str) -> None:
    from signer.v1 import audit_pb2
    from signer.v1.audit_pb2_grpc import AuditServiceStub

    audit = AuditServiceStub(connection.channel)
    connection.call(audit.AddCosignature, audit_pb2.AddCosignatureRequest(checkpoint=note))


def _tell(options: argparse.Namespace, head: CosignedHead, *, handed_back: bool) -> None:
    if options.out:
        write_file(options.out, head.note.encode())
    values = {
        "origin": head.checkpoint.origin,
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "moment": head.cosignature.moment.isoformat(),
        "handed_back": handed_back,
    }
    line = (
        f"已联署 cosigned: {head.checkpoint.origin}, {head.checkpoint.size} 条记录 entries, {head.cosignature.moment}"
    )
    say(options, values, [line])
    sys.stdout.flush()


def _contradiction(options: argparse.Namespace, problem: LogContradiction) -> ExitStatus:
    values = {"refused": problem.reason.value, "message": problem.message, "evidence": str(problem.evidence)}
    lines = [
        f"拒绝联署 refused: {problem.reason.value}: {problem.message}",
        f"证据 both signed heads: {problem.evidence}",
        problem.remedy,
    ]
    say(options, values, lines)
    return ExitStatus.NOT_PASSED


def _add(options: argparse.Namespace) -> ExitStatus:
    try:
        note = Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LocalError(f"{options.file}: can't be read ({type(problem).__name__})") from None
    with connect(options) as connection:
        _hand_back(connection, note)
    say(options, {"handed_back": True}, ["见证签名已交回 · the cosignature was handed back"])
    return ExitStatus.OK
