"""Certificates for a metrics listener and for those that may scrape it, and an HTTPS client that uses them."""

from __future__ import annotations

import http.client
import ssl
from datetime import timedelta
from pathlib import Path

from monitoring.metrics_tls import TlsFiles
from signer.certificates.tls import TlsPair, make_authority, make_client, make_server

TWO_YEARS = timedelta(days=730)


class MonitoringPki:
    """An authority in a folder with the listener's certificate and Prometheus's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.authority = make_authority("monitoring")
        self.files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "authority.pem")
        self.files.client_authority.write_bytes(self.authority.certificate_pem)
        self.write("server", make_server(self.authority, "127.0.0.1"))
        self.write("prometheus", self.client())

    def client(self, *, valid: timedelta = TWO_YEARS) -> TlsPair:
        """A certificate that may scrape."""
        return make_client(self.authority, "prometheus", "urn:example:prometheus", valid=valid)

    def write(self, name: str, pair: TlsPair) -> None:
        """As name.pem and name.key."""
        (self.folder / f"{name}.pem").write_bytes(pair.certificate_pem)
        (self.folder / f"{name}.key").write_bytes(pair.key_pem)

    def context(self, name: str = "prometheus") -> ssl.SSLContext:
        """A client's that believes the authority and shows the certificate of that name; "": none."""
        context = ssl.create_default_context(cafile=str(self.files.client_authority))
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def get(self, port: int, path: str, context: ssl.SSLContext | None = None) -> tuple[int, str]:
        """Status and text of a page. Raises OSError where the listener refuses."""
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context or self.context(), timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
