"""`signer verify-document`: what files are, asked of the appliance. `signer verify-report`: what a signed report says, offline."""

from __future__ import annotations

import argparse
import unicodedata
from pathlib import Path
from typing import Any

from signer.cli.arguments import Commands, add_client_arguments, add_command, connect
from signer.cli.output import ExitStatus, LocalError, read_file, say, write_file
from signer.client import Connection
from signer.client.conclusion import CheckResult, Outcome, algorithm_words, conclude
from signer.client.conclusion_words import Text
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2

_VERIFY_EXAMPLES = """\
  signer verify-document policy.pdf
  signer verify-document inbox/*.pdf --json
  signer verify-document policy.pdf --report policy-report.p7m --picture pages/

exit status 0 where every file is whole and issued here; the contract's state is told and does not change it"""
_REPORT_EXAMPLES = """\
  signer verify-report policy-report.p7m --anchors build/demo/trust
  signer verify-report policy-report.p7m --anchors trust/ --document policy.pdf"""
_MARKS = {CheckResult.PASSED: "✓", CheckResult.FAILED: "✗", CheckResult.NOTED: "!", CheckResult.SKIPPED: "–"}
_LARGEST = 32 * 1024 * 1024
_SAY_TOO_LARGE = "larger than 32 MiB, more than the appliance takes"


def add_commands(commands: Commands) -> None:
    """Adds both commands."""
    verify = add_command(commands, "verify-document", "验真 · tell what PDFs are", _VERIFY_EXAMPLES)
    add_client_arguments(verify)
    verify.add_argument("files", nargs="+", metavar="FILE", help='a PDF ("-": standard input)')
    verify.add_argument("--report", metavar="OUT", help="write the signed report on one file (CMS)")
    verify.add_argument(
        "--picture", type=Path, metavar="DIR", help="draw each page with its signatures' places, SVG (needs pdftoppm)"
    )
    verify.set_defaults(run=_verify)
    report = add_command(commands, "verify-report", "核验报告 · judge a signed report, offline", _REPORT_EXAMPLES)
    report.add_argument("file", metavar="FILE", help="the report (CMS, DER)")
    report.add_argument("--anchors", type=Path, required=True, metavar="DIR", help="trust anchors, *.pem")
    report.add_argument("--document", metavar="PDF", help="the file that the report must be about")
    report.set_defaults(run=_verify_report)


def _verify(options: argparse.Namespace) -> ExitStatus:
    if options.report and len(options.files) > 1:
        raise LocalError("--report goes with one file")
    contents = {name: _read(name) for name in options.files}
    told: list[dict[str, Any]] = []
    lines: list[str] = []
    passed = True
    with connect(options) as connection:
        for name, pdf in contents.items():
            report = _ask(connection, pdf, with_report=bool(options.report))
            passed &= _passes(report)
            told.append(_values(name, report))
            lines += ([""] if lines else []) + _lines(name, report, many=len(contents) > 1)
            if options.report:
                lines.append(_write_report(options.report, report))
            if options.picture is not None:
                lines += _draw(options.picture, name, pdf, report)
    say(options, told[0] if len(told) == 1 else {"files": told}, lines)
    return ExitStatus.OK if passed else ExitStatus.NOT_PASSED


def _read(name: str) -> bytes:
    content = read_file(name)
    if len(content) > _LARGEST:
        raise LocalError(f"{name}: {_SAY_TOO_LARGE}")
    return content


def _ask(connection: Connection, pdf: bytes, *, with_report: bool) -> wire.VerifyDocumentResponse:
    request = wire.VerifyDocumentRequest(pdf=pdf, omit_report=not with_report)
    return connection.call(connection.documents.VerifyDocument, request)


def _passes(report: wire.VerifyDocumentResponse) -> bool:
    return report.integrity == wire.INTEGRITY_WHOLE and report.origin == wire.ORIGIN_ISSUED_HERE


def _write_report(place: str, report: wire.VerifyDocumentResponse) -> str:
    if not report.report_cms:
        raise LocalError("the appliance signed no report (finding report-unsigned); nothing was written")
    write_file(place, report.report_cms)
    return f"  签名报告 signed report → {place}"


def _draw(folder: Path, name: str, pdf: bytes, report: wire.VerifyDocumentResponse) -> list[str]:
    from signer.cli.signature_pictures import draw_pages

    folder.mkdir(parents=True, exist_ok=True)
    stem = "stdin" if name == "-" else Path(name).stem
    return [f"  图 picture → {file}" for file in draw_pages(pdf, report, folder, stem)]


def _values(name: str, report: wire.VerifyDocumentResponse) -> dict[str, Any]:
    return {
        "file": name,
        "outcome": conclude(report).outcome.value,
        "integrity": wire.Integrity.Name(report.integrity).removeprefix("INTEGRITY_"),
        "origin": wire.Origin.Name(report.origin).removeprefix("ORIGIN_"),
        "contract_state": wire.ContractState.Name(report.contract_state).removeprefix("CONTRACT_STATE_"),
        "summary_zh": report.summary_zh,
        "findings": [{"code": item.code, "message": item.message} for item in report.findings],
        "signatures": [
            {
                "verdict": types_pb2.Verdict.Name(item.verdict).removeprefix("VERDICT_"),
                "signer": item.signer,
                "whole_file": item.covers_whole_file,
                "findings": [found.code for found in item.findings],
            }
            for item in report.signatures
        ],
        "number": report.issued.number,
        "title_zh": report.issued.title_zh,
    }


def _lines(name: str, report: wire.VerifyDocumentResponse, *, many: bool) -> list[str]:
    conclusion = conclude(report)
    mark = _MARKS[
        {Outcome.GENUINE: CheckResult.PASSED, Outcome.NOT_IN_FORCE: CheckResult.NOTED}.get(
            conclusion.outcome, CheckResult.FAILED
        )
    ]
    lines = [f"{name}:"] if many else []
    lines += [
        f"{mark} {_both(conclusion.headline)}",
        f"  {conclusion.sentence.zh}",
        f"  {conclusion.sentence.en}",
        "",
        *(
            f"  {_MARKS[check.result]} {_padded(_both(check.name), 34)}{_both(check.told)}"
            for check in conclusion.checks
        ),
    ]
    if report.HasField("issued"):
        issued = report.issued
        lines += [
            "",
            # A document that a caller brought to be sealed has neither title nor number.
            *([f"  单证 document  {issued.title_zh or issued.template} {issued.number}"] if issued.template else []),
            f"  签发 issued    {issued.issued_at.ToJsonString()}, document {issued.document_id}",
        ]
    for number, item in enumerate(report.signatures, start=1):
        verdict = types_pb2.Verdict.Name(item.verdict).removeprefix("VERDICT_")
        lines += [
            "",
            f"  签名 signature {number}: {verdict}, {algorithm_words(item.algorithm)}",
            f"    签名人 signer  {item.signer or '未知 unknown'}",
            f"    时间 signed at {_moment(item)}",
            *(f"    - {found.message_zh} {found.message} [{found.code}]" for found in item.findings),
        ]
    told = {found.code for item in report.signatures for found in item.findings}
    others = [item for item in report.findings if item.code not in told]
    if others:
        lines += ["", *(f"  - {item.message_zh} {item.message} [{item.code}]" for item in others)]
    return lines


def _moment(item: wire.SignatureReport) -> str:
    """When it was signed: proven, or claimed."""
    if item.HasField("proven_at"):
        return f"{item.proven_at.ToJsonString()} (时间戳证明 proven by a timestamp)"
    return (
        f"{item.signed_at.ToJsonString()} (签名人声明 as the signer says)"
        if item.HasField("signed_at")
        else "未知 unknown"
    )


def _both(text: Text) -> str:
    return f"{text.zh} {text.en}"


def _padded(text: str, width: int) -> str:
    """To a width in columns of a terminal, where Chinese characters take two."""
    taken = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return text + " " * max(1, width - taken)


def _verify_report(options: argparse.Namespace) -> ExitStatus:
    from signer.certificates.store import TrustStore, TrustStoreConfig
    from signer.documents.report_verification import verify_report
    from signer.errors import SignerError, VerificationError

    trust = TrustStore.from_config(TrustStoreConfig(options.anchors))
    document = None if options.document is None else read_file(options.document)
    try:
        evidence = verify_report(read_file(options.file), trust, document)
    except VerificationError as problem:
        say(
            options,
            {"verdict": "FAILED", "code": problem.finding_code, "message": problem.message},
            [f"✗ 报告不可信 not to be relied on: {problem.message} [{problem.finding_code}]"],
        )
        return ExitStatus.NOT_PASSED
    except SignerError as problem:
        raise LocalError(f"{options.file}: {problem.message}") from None
    report = evidence.report
    values = {"verdict": "PASSED", "signer": evidence.signer, "report": report}
    lines = [
        f"✓ 报告由可信的密钥签名 signed by {evidence.signer}",
        f"  验真时间 verified at {report['verified_at']}, 系统 appliance {report['appliance']}",
        f"  {report['summary_zh']}",
        f"  {report['integrity']}, {report['origin']}, {report['contract_state'] or '—'}",
        f"  文件 file: {report['file']['bytes']} bytes, SM3 {report['file']['sm3']}",
        *([] if report["issued"] is None else [f"  单证 document: {report['issued']['number']}"]),
        "  文件与报告相符 the document is the one of the report"
        if document is not None
        else "  未提供文件 no --document: compare its SM3 yourself",
    ]
    say(options, values, lines)
    return ExitStatus.OK
