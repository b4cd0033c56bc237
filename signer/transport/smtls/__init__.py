"""The public listener: TLS 1.3 by RFC 8998 ends here, and each peer's identity goes on to the workers in an inner certificate."""
