"""`signer sign` and `signer verify`: signatures over files, raw or as CMS."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from signer.cli.arguments import (
    ALGORITHMS,
    Commands,
    add_client_arguments,
    add_command,
    algorithm_name,
    algorithm_number,
    connect,
)
from signer.cli.output import ExitStatus, read_file, say, write_file
from signer.v1 import signing_pb2, types_pb2

_SIGN_EXAMPLES = """\
  signer sign --key message-sm2 letter.txt --out letter.sig
  signer sign --key message-rsa --cms --detached letter.txt --out letter.p7s"""
_VERIFY_EXAMPLES = """\
  signer verify --key message-sm2 --algorithm SM2_SM3 letter.txt letter.sig
  signer verify --cms letter.txt letter.p7s"""


def add_commands(commands: Commands) -> None:
    """Adds `sign` and `verify`."""
    sign = add_command(commands, "sign", "签名 · sign a file with a message key", _SIGN_EXAMPLES)
    add_client_arguments(sign)
    sign.add_argument("--key", required=True, help='e.g. "message-sm2" or "message-sm2@1"')
    sign.add_argument("--algorithm", choices=ALGORITHMS, help="default: the key's own")
    sign.add_argument("--cms", action="store_true", help="CMS SignedData instead of a raw signature")
    sign.add_argument("--detached", action="store_true", help="with --cms: without the content")
    sign.add_argument("--out", default="-", metavar="FILE", help='where the signature goes ("-": standard output)')
    sign.add_argument("file", help='what to sign ("-": standard input)')
    sign.set_defaults(run=_sign)
    verify = add_command(commands, "verify", "验签 · verify a signature over a file", _VERIFY_EXAMPLES)
    add_client_arguments(verify)
    how = verify.add_mutually_exclusive_group(required=True)
    how.add_argument("--key", help="one of the appliance's keys")
    how.add_argument("--certificate", metavar="FILE", help="X.509, DER; its path is judged too")
    how.add_argument("--cms", action="store_true", help="the signature is CMS SignedData")
    verify.add_argument("--algorithm", choices=ALGORITHMS, help="of a raw signature")
    verify.add_argument("file", help="what was signed")
    verify.add_argument("signature", help="the signature, as `sign` writes it")
    verify.set_defaults(run=_verify)


def _sign(options: argparse.Namespace) -> ExitStatus:
    content = read_file(options.file)
    algorithm = algorithm_number(options.algorithm)
    values: dict[str, object]
    with connect(options) as connection:
        if options.cms:
            message = connection.call(
                connection.signing.SignMessage,
                signing_pb2.SignMessageRequest(
                    key=options.key, algorithm=algorithm, content=content, detached=options.detached, include_chain=True
                ),
            )
            signature, values, receipt = message.cms, {"key": message.key}, message.receipt
        else:
            raw = connection.call(
                connection.signing.Sign,
                signing_pb2.SignRequest(key=options.key, algorithm=algorithm, message=content),
            )
            signature, receipt = raw.signature, raw.receipt
            values = {"key": raw.key, "algorithm": algorithm_name(raw.algorithm)}
    values |= {"signature": signature.hex(), "log": {"id": receipt.log_id, "index": receipt.index}}
    if options.out == "-" and options.json:
        say(options, values, [])
        return ExitStatus.OK
    write_file(options.out, signature)
    if options.out != "-":
        say(
            options,
            values,
            [
                f"已签名 signed by {values['key']}, {len(signature)} 字节 bytes → {options.out}",
                f"日志 log entry: {receipt.log_id} #{receipt.index}",
            ],
        )
    return ExitStatus.OK


def _verify(options: argparse.Namespace) -> ExitStatus:
    content, signature = read_file(options.file), read_file(options.signature)
    with connect(options) as connection:
        if options.cms:
            message = connection.call(
                connection.signing.VerifyMessage, signing_pb2.VerifyMessageRequest(cms=signature, content=content)
            )
            return _tell(options, message.verdict, message.findings)
        request = signing_pb2.VerifyRequest(
            algorithm=algorithm_number(options.algorithm), message=content, signature=signature
        )
        if options.key:
            request.key = options.key
        else:
            request.certificate = read_file(options.certificate)
        answer = connection.call(connection.signing.Verify, request)
    return _tell(options, answer.verdict, answer.findings)


_VERDICTS_ZH = {"PASSED": "验签通过", "FAILED": "验签不通过", "INDETERMINATE": "签名正确，但签名人无法确认"}


def _tell(
    options: argparse.Namespace, verdict: types_pb2.Verdict.ValueType, findings: Sequence[types_pb2.Finding]
) -> ExitStatus:
    name = types_pb2.Verdict.Name(verdict).removeprefix("VERDICT_")
    say(
        options,
        {"verdict": name, "findings": [{"code": item.code, "message": item.message} for item in findings]},
        [
            f"{_VERDICTS_ZH[name]} · {name}",
            *(f"  - {item.message_zh} {item.message} [{item.code}]" for item in findings),
        ],
    )
    return ExitStatus.OK if name == "PASSED" else ExitStatus.NOT_PASSED
