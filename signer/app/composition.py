"""The composition root of a worker: from configuration to a server that can answer. Joins the rooms, decides nothing."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import grpc

from hsm.token import Token
from monitoring import metrics
from policy_render.catalog import Catalog
from policy_render.renderer import Renderer
from signer.algorithms import libcrypto
from signer.app.grants_loading import load_recorded_grants, seal_profiles
from signer.app.initial_series import begin_series
from signer.app.process_reach import RunDirectory
from signer.app.servers import make_servers
from signer.app.stamping import Stamping
from signer.app.token_opening import open_token
from signer.archive.blobs import BlobDirectory
from signer.archive.catalogue import Catalogue
from signer.archive.revisions import RevisionRegister
from signer.audit import KeyedDigest
from signer.audit.checkpoint import load_note_key
from signer.audit.cosignature import load_witness_keys
from signer.audit.log_client import LogClient
from signer.audit.receipt import SignedTree
from signer.authz import Existing, Grants
from signer.certificates import Certificate, TrustStore
from signer.certificates.store import earliest_expiry
from signer.clock import TrustedClock
from signer.config import ApplianceConfig
from signer.contracts import ContractRegister
from signer.database.engine import Database
from signer.database.schema import check_schema
from signer.documents.issue import DocumentIssuer
from signer.documents.keyword_places import PlaceFinder
from signer.documents.renewal import Renewal
from signer.documents.report import ReportMaker
from signer.documents.revocation_check import RevocationCheck
from signer.documents.seal import SealWorkshop
from signer.documents.seal_pictures import SealPictures
from signer.documents.sealing import Sealing
from signer.documents.stranger_sealing import StrangerSealing
from signer.documents.templates import TemplateDesk
from signer.documents.validation_data import CollectedValidationData
from signer.documents.verify import DocumentVerifier
from signer.keys import Purpose
from signer.keys.registry import KeyRegistry, load_registry
from signer.pades.inspector import Inspector
from signer.pades.verify import SealVerifier
from signer.services.audit_service import AuditServicer
from signer.services.document_service import DocumentServicer
from signer.services.signing_service import SigningServicer
from signer.services.timestamp_service import TimestampServicer
from signer.signing import KeyRing, SignatureVerifier, Signer
from signer.signing.message import MessageSigning
from signer.transport.server import GrpcServer
from signer.transport.status_table import to_status
from signer.v1 import audit_pb2, document_pb2, signing_pb2, timestamp_pb2
from signer.v1.audit_pb2_grpc import add_AuditServiceServicer_to_server
from signer.v1.document_pb2_grpc import add_DocumentServiceServicer_to_server
from signer.v1.signing_pb2_grpc import add_SigningServiceServicer_to_server
from signer.v1.timestamp_pb2_grpc import add_TimestampServiceServicer_to_server

# What a worker signs with; the log's and the authority's keys belong to other processes.
_WORKER_PURPOSES = frozenset({Purpose.MESSAGE, Purpose.SEAL, Purpose.TIMESTAMP, Purpose.PROBE, Purpose.REPORT})
_SERVICES = (
    signing_pb2.DESCRIPTOR.services_by_name["SigningService"],
    document_pb2.DESCRIPTOR.services_by_name["DocumentService"],
    audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
    timestamp_pb2.DESCRIPTOR.services_by_name["TimestampService"],
)
_PROBE_TIMEOUT_S = 3.0
_PICTURE_TIMEOUT_S = 60.0


def rpc_names() -> frozenset[str]:
    """Every RPC that grants may name, as "Service/Method"."""
    return frozenset(f"{service.name}/{method.name}" for service in _SERVICES for method in service.methods)


def existing_names(registry: KeyRegistry, catalog: Catalog) -> Existing:
    """What grants may name in this appliance."""
    return Existing(rpc_names(), registry.names, catalog.names, seal_profiles())


@dataclass(frozen=True)
class Worker:
    """A worker that was put together: its servers (LAN, and the inner hop of the public listener), what is closed after them.

    `reload_grants`: puts the grants file's present content in force and returns its version; raises ConfigurationError or
    ApplianceError, and leaves the old one.
    """

    servers: tuple[GrpcServer, ...]
    signer: Signer
    token: Token
    database: Database
    log: LogClient
    reload_grants: Callable[[], int]

    @classmethod
    def from_config(cls, config: ApplianceConfig, name: str) -> Worker:
        """Opens everything a worker needs; answers nothing yet.

        Raises:
            ConfigurationError, HsmError, RenderError, ApplianceError: what is missing, and what to do.
        """
        database = Database.from_config(config.database)
        check_schema(database)
        registry = load_registry(database)
        catalog = Catalog.load()
        trust = TrustStore.from_config(config.trust)
        token = open_token(config)
        log = LogClient.from_config(config.log)
        existing = existing_names(registry, catalog)
        grants = Grants(load_recorded_grants(config.grants, existing, log), RunDirectory(config.run_directory).rates)
        signer = Signer(
            grants=grants,
            registry=registry,
            keys=KeyRing.open(registry, token, _WORKER_PURPOSES),
            token=token,
            log=log,
            keyed_digest=KeyedDigest.from_file(config.keyed_digest_file),
            clock=TrustedClock(config.clock.published_file),
        )
        catalogue = Catalogue(database, owner=f"{config.log.log_id}/{name}")
        catalogue.abandon_own_reservations()
        signing = SigningServicer(
            signer=signer,
            messages=MessageSigning(signer),
            verifier=SignatureVerifier(registry, trust),
            registry=registry,
            grants=grants,
            to_status=to_status,
        )
        log_key = load_note_key(config.log.public_key_file, config.log.log_id)
        witnesses = load_witness_keys((item.name, item.public_key_file) for item in config.log.witnesses)
        audit = AuditServicer(SignedTree(config.log.directory, log_key, witnesses=witnesses), config.log.log_id)
        stamping = Stamping.from_config(config.timestamps, registry, signer, trust)
        timestamps = TimestampServicer(stamping.authority)
        documents = _document_servicer(config, database, catalogue, grants, catalog, registry, trust, signer, stamping)

        def register(server: grpc.Server) -> list[str]:
            add_SigningServiceServicer_to_server(signing, server)
            add_DocumentServiceServicer_to_server(documents, server)
            add_AuditServiceServicer_to_server(audit, server)
            add_TimestampServiceServicer_to_server(timestamps, server)
            return [service.full_name for service in _SERVICES]

        servers = make_servers(config, name, grants, log, register)
        begin_series(rpc_names(), grants.clients)
        _publish_facts(config, registry)

        def reload_grants() -> int:
            grants.replace(load_recorded_grants(config.grants, existing, log))
            return grants.version

        return cls(servers, signer, token, database, log, reload_grants)

    def probe(self) -> None:
        """Really signs. Raises HsmError or ApplianceError when that doesn't work."""
        self.signer.probe(_PROBE_TIMEOUT_S)

    def start(self) -> None:
        """Begins to accept calls."""
        for server in self.servers:
            server.start()

    def set_serving(self, serving: bool) -> None:
        """What all health services answer."""
        for server in self.servers:
            server.set_serving(serving)

    def drain(self, grace: float) -> None:
        """All servers at once: refuses new calls, waits for the running ones up to `grace` seconds, then cancels them."""
        for ended in [server.begin_drain(grace) for server in self.servers]:
            ended.wait()

    def close(self) -> None:
        """After the servers were drained."""
        self.token.close()
        self.log.close()
        self.database.close()


def _document_servicer(
    config: ApplianceConfig,
    database: Database,
    catalogue: Catalogue,
    grants: Grants,
    catalog: Catalog,
    registry: KeyRegistry,
    trust: TrustStore,
    signer: Signer,
    stamping: Stamping,
) -> DocumentServicer:
    renderer = Renderer.from_config(config.renderer)
    inspector = Inspector.from_config(config.inspector)
    crl_directory = config.seal.crl_directory
    validation_data = None if crl_directory is None else CollectedValidationData(crl_directory, trust, stamping.trust)
    seals = [version for version in registry.all() if version.purpose is Purpose.SEAL]
    pictures = SealPictures.load(
        config.seal, {version.name for version in seals}, partial(renderer.draw_picture, timeout=_PICTURE_TIMEOUT_S)
    )
    sealing = Sealing(SealWorkshop(config.seal, pictures), stamping.source, validation_data)
    places = PlaceFinder(inspector)
    blobs = BlobDirectory.from_config(config.blobs)
    issuer = DocumentIssuer(
        catalog=catalog,
        renderer=renderer,
        signer=signer,
        sealing=sealing,
        places=places,
        blobs=blobs,
        catalogue=catalogue,
    )
    strangers = StrangerSealing(
        signer=signer, sealing=sealing, places=places, strangers=inspector, blobs=blobs, catalogue=catalogue
    )
    verifier = DocumentVerifier(
        seals=SealVerifier(trust, stamping.trust),
        inspector=inspector,
        catalogue=catalogue,
        contracts=ContractRegister(database),
        revocation=RevocationCheck.from_config(config.verification, trust, stamping.trust),
        own_certificates=frozenset(version.certificate_chain[0] for version in seals if version.certificate_chain),
    )
    return DocumentServicer(
        templates=TemplateDesk(grants, catalog, renderer),
        issuer=issuer,
        strangers=strangers,
        renewal=Renewal(sealing=sealing, strangers=inspector, blobs=blobs, revisions=RevisionRegister(database)),
        verifier=verifier,
        reports=ReportMaker.from_config(config.reports, registry, signer),
        to_status=to_status,
    )


def _publish_facts(config: ApplianceConfig, registry: KeyRegistry) -> None:
    """Metrics that change only with a start."""
    metrics.build_info.labels(version("signing-appliance"), platform.python_version(), libcrypto.version()).set(1)
    expiry = metrics.certificate_expiry_timestamp_seconds
    for key in registry.all():
        for certificate in key.certificate_chain[:1]:
            expiry.labels(key.reference).set(Certificate.load(certificate).not_after.timestamp())
    if config.listener.tls is not None:  # gRPC reads these files at start only
        for use, file in (
            ("lan-listener", config.listener.tls.certificate),
            ("lan-client-authority", config.listener.tls.client_authority),
        ):
            expiry.labels(use).set(earliest_expiry(file).timestamp())
