"""The tamper-evident log: entries, receipts, the writer. No signature is released before its entry is durable."""

from signer.audit.entry import KeyedDigest, LogEntry
from signer.audit.log import Log, Receipt

__all__ = ["KeyedDigest", "Log", "LogEntry", "Receipt"]
