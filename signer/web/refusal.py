"""Why an upload gets no answer: an HTTP status, a stable reason, and words for people. Shown as a page or as JSON."""

from __future__ import annotations

from signer.client.conclusion import Outcome
from signer.client.conclusion_words import Text


class Refusal(Exception):
    """`retry_after`: seconds, where the same upload may succeed later.."""

    def __init__(
        self, status: int, reason: str, headline: Text, advice: Text, *, retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headline = headline
        self.advice = advice
        self.retry_after = retry_after


def too_large() -> Refusal:
    """413."""
    return Refusal(
        413,
        "too-large",
        Text("文件太大", "The file is too large"),
        Text(
            "电子保单不超过 32 MiB，请确认选对了文件。", "A policy is never larger than 32 MiB. Is it the right file?"
        ),
    )


def no_file() -> Refusal:
    """400."""
    return Refusal(
        400,
        "no-file",
        Text("没有收到文件", "No file came"),
        Text("请选择电子保单 PDF 文件，再点“验真”。", "Choose the policy's PDF file, then press Verify."),
    )


def malformed() -> Refusal:
    """400."""
    return Refusal(
        400,
        "malformed",
        Text("上传的内容不完整", "The upload is not complete"),
        Text("请重新上传。", "Please upload the file again."),
    )


def unknown_form() -> Refusal:
    """415."""
    return Refusal(
        415,
        "unknown-form",
        Text("不支持这种上传方式", "Uploads of this kind are not taken"),
        Text("请用本页面的表单上传 PDF 文件。", "Use the form on this page, multipart/form-data or application/pdf."),
    )


def too_slow() -> Refusal:
    """408."""
    return Refusal(
        408,
        "too-slow",
        Text("上传超时", "The upload took too long"),
        Text("请在网络较好时重新上传。", "Try again with a better connection."),
    )


def too_often(retry_after: int) -> Refusal:
    """429."""
    return Refusal(
        429,
        "too-often",
        Text("验真次数过多", "Too many uploads from your network"),
        Text(f"请在 {retry_after} 秒后再试。", f"Try again in {retry_after} seconds."),
        retry_after=retry_after,
    )


def busy(retry_after: int = 5) -> Refusal:
    """503."""
    return Refusal(
        503,
        "busy",
        Text("系统繁忙", "Too many people are here now"),
        Text(f"请在 {retry_after} 秒后再试。", f"Try again in {retry_after} seconds."),
        retry_after=retry_after,
    )


def unavailable() -> Refusal:
    """503."""
    return Refusal(
        503,
        "unavailable",
        Text("暂时无法验真", "Verification is not available now"),
        Text(
            "系统暂时不可用，这不说明您的文件有问题。请稍后再试。",
            "This says nothing about your file. Please try again later.",
        ),
        retry_after=30,
    )


def report_unknown() -> Refusal:
    """400."""
    return Refusal(
        400,
        "report-unknown",
        Text("报告已失效", "The report is no longer known here"),
        Text("请重新上传文件验真，再下载报告。", "Verify the file again, then download the report."),
    )


def not_found() -> Refusal:
    """404."""
    return Refusal(
        404,
        "not-found",
        Text("没有这个页面", "There is no such page"),
        Text("验真页面的地址是 /verify。", "The page for verification is /verify."),
    )


def wrong_method() -> Refusal:
    """405."""
    return Refusal(
        405,
        "wrong-method",
        Text("不支持这种请求", "This is not how the page is asked"),
        Text("请从验真页面操作。", "Begin at the page /verify."),
    )


def fault() -> Refusal:
    """500."""
    return Refusal(
        500,
        "internal",
        Text("系统出错", "Something went wrong here"),
        Text("这不说明您的文件有问题。请稍后再试。", "This says nothing about your file. Please try again later."),
        retry_after=30,
    )


_OF_UPLOADS = (
    *(too_large(), no_file(), malformed(), unknown_form(), too_slow(), too_often(1), busy(), unavailable(), fault()),
)
# What can become of an upload, as the metric counts it; "gone": the browser went away.
UPLOAD_OUTCOMES = frozenset({*(outcome.value for outcome in Outcome), *(told.reason for told in _OF_UPLOADS), "gone"})
