"""Settings of an operator, from the environment (`IDPROOF_…`) or the command line."""

import os
import re
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.capture_settings import CaptureSettings
from idproof.service.operations.credential_settings import CredentialSettings
from idproof.service.operations.face_template_settings import FaceTemplateSettings
from idproof.service.operations.networks import parse_proxies
from idproof.service.operations.passkey_settings import PasskeySettings
from idproof.service.operations.presentation_settings import PresentationSettings
from idproof.service.operations.review_settings import ReviewSettings

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|[0-9a-f:]+")
"""A name of the DNS, an IPv4 address, or an IPv6 address without its brackets."""


def _default_data_dir() -> Path:
    try:
        return user_data_path("idproof")
    except RuntimeError:  # neither HOME nor an entry of this user, as in some containers
        raise SettingsInvalid(
            "This user has no home folder: name the folder of the keys and the database with IDPROOF_DATA_DIR."
        ) from None


class Settings(
    PresentationSettings, PasskeySettings, FaceTemplateSettings, ReviewSettings, CredentialSettings, CaptureSettings
):
    """Settings of the service; those of its parts, from presentations to capture in pages of others, are in its bases.

    Attributes:
        data_dir: folder of the keys and the database; created with mode 0700.
        profile: profile of networks.
        document: document type of the cards: a built-in type's name, or the path of an operator's own file (`….toml`).
            On a cluster every node needs the same file at that path.
        issuer: claim `iss` of verdicts.
        threads: processor threads per network call.
        branches: threads of a server process that examine at once, over all registrations; independent steps of a
            registration run side by side on those that are free. `idproof serve` takes one per processor.
        provider: hardware that the networks run on: the processor (`cpu`); a GPU by CUDA (`cuda`, which needs the
            package onnxruntime-gpu, and without it or a GPU does not start); or CUDA where it works and else the
            processor (`auto`). `/readyz` and the log say which it is.
        liveness_distance: distance at which people answer a challenge: at arm's length, or standing before a kiosk.
        concurrency: registrations that a server process verifies at once; on a cluster at least its maximum number of
            replicas. `idproof serve` takes one per processor.
        executor: where pictures are examined: in this process, or on a Ray cluster (`docs/cluster.md`).
        ray_address: address of the cluster, such as `ray-head:6379`; without it, one starts on this machine.
        replicas, max_replicas: bounds of a deployment that this service starts; the queue's length decides.
        queue: registrations that may wait, which bounds memory; further ones get status 503.
        wait_s: seconds that a registration may have to wait for its verification, by the measured time of the last
            ones; one that would wait longer gets status 503 before its upload is received.
        idle_s: seconds for which a client may send nothing during an upload.
        upload_bytes_per_s: bytes per second that arrive at least, on average of every `idle_s` seconds of an upload.
        production: refuse to start when a guard (`idproof.pipeline.vault.guards`) or a setting
            (`idproof.service.operations.production`) is missing.
        inspectable: let other processes of the same user read this process's memory, to search it for pieces of
            pictures. It removes a guard, so it is not for production.
        retention_days: days after which a stored verdict is erased.
        session_required: whether a registration needs a capture session.
        session_s: seconds for which a capture session may be used.
        session_attempts: registrations that may be sent under one session until one gives a verdict.
        registration_required: refuse captures that name no registration, so that its limits cannot be left out.
        registration_attempts: verdicts that a registration may have before it goes to a counter.
        registration_days: days after its opening at which an unfinished registration expires; never longer than
            `retention_days`.
        guardians: register applicants of 11 to 17 only with a guardian who joined the session, and nobody below 11.
        guardian_s: seconds after a guardian's own accepted verdict within which the guardian may join.
        counter_ticket_days: days for which a ticket for a counter may be used; never longer than its registration.
        device_tickets: applicants whom a verdict at a streaming device sends to a counter get a ticket on its screen; a
            registration is opened for those who came without one.
        counter_visit_s: seconds for which a registration stays open at the counter that opened it.
        records_retry_s: seconds for which the records are asked again for a registration that they did not answer; so
            long its typed fields are kept, sealed. 0 for never: then new captures are needed.
        challenge_s: seconds within which the response to a liveness challenge must arrive.
        challenges: liveness challenges per session.
        client_unused_sessions, device_unused_sessions: sessions that one client or one device may have opened within
            ten minutes without using them.
        client_unanswered_challenges, device_unanswered_challenges: challenges that one client or one device may have
            asked within an hour without an answer whose liveness held; and, counted apart, capture plans that it may
            have been shown within an hour without captures that followed them.
        permit_s: seconds for which a permit for a reduced challenge may be used.
        accept_from: lowest level of capture that is accepted: `device`, or `attested` for devices alone whose hardware
            attests to their key (`docs/stream.md`); others are then referred at best.
        accept_unattested_because: the operator's reason to accept in production from devices that nothing attests to:
            whoever copies such a device's key, or replaces its camera, can be accepted with computed pictures.
        accept_uploads_because: the operator's reason to accept uploaded files, which may have been computed;
            without it an upload is referred at best.
        accept_without_liveness_because: the operator's reason to accept registrations without frames that respond
            to a challenge; without it they are referred at best.
        accept_without_records_because: the operator's reason to go without the department's records in production.
        liveness_required: refuse registrations without frames that answer the session's challenge.
        gaze_required: refer answers in which the eyes do not stay on the screen while the head turns.
        card_light_required: light the card at streaming devices with colours of their screen, and refer cards that do
            not answer them.
        stream_s: seconds for which the pictures of a streaming device's applicant may exist before verification.
        stream_grace_s: seconds for which they wait for a device whose connection was cut.
        streams: devices that may be connected at once to one server process.
        streams_per_address: of these from one address, such as that of an office.
        stream_threads: frames of streams that are examined at once.
        captures_remembered_hours: hours for which the exact bytes of a capture or frame count as used after a
            registration used them, so that they answer in no other; 0 for never, as in measurements.
        idempotency_hours: hours for which an `Idempotency-Key` is remembered; never longer than the verdict.
        anonymous: whether callers on this machine need no key, for trying the service out. It ends when the first key
            exists; never in production, on another address than the machine's own, or with a token issuer.
        allowed_hosts: names under which clients reach the service, separated by commas, such as `idproof.example`;
            those of the machine itself always count. Required in production on another address than its own; without
            it, a service on the machine's own address answers under that only, and others under any name.
        oauth_issuer, oauth_audience, oauth_jwks_url: issuer and audience of accepted bearer tokens, and the URL of the
            issuer's keys.
        oauth_token_type: `typ` in the header of accepted tokens; an issuer that does not follow RFC 9068 writes `JWT`,
            also into ID tokens.
        rate_per_minute: requests per minute of one client.
        client_concurrency: registrations of one client at once.
        trusted_proxies: addresses and networks of the proxies in front, separated by commas, such as
            `10.0.0.5,10.1.0.0/16`. Only from these is `X-Forwarded-For` believed; by default from nobody.
        tls_cert, tls_key: files (PEM) for HTTPS.
        tls_by_proxy: a proxy in front of this service ends TLS; without it and without a certificate, a service in
            production listens on the machine's own address only.
        tls_client_ca: file (PEM) of authorities; a client needs a certificate of one of them (mTLS).
        health_cert, health_key: files (PEM) of the certificate that `idproof health` shows where clients need one;
            without them it shows `tls_cert`.
        attestation_roots: folder of the makers' root certificates, `android-key.pem`, `apple.pem` and `tpm.pem`;
            without it no device's key is attested.
        attestation_origin: origin of the pages or programs that make attestation statements, such as
            `https://idproof.example`.
        trust_framework: framework named in `verified_claims`.
        core_key: file with the identity core's public key (JWK); with it, only the core can read the card's data.
        core_url: URL that verdicts are delivered to, at least once each.
        webhook_url: URL that gets an event when an asynchronous registration is done.
        outbox_attempts: attempts per delivery before it waits for an operator.
        records_url: URL of the issuing department's records.
        records_file: file of records (`EmbeddedRecords`), for sandboxes.
        peers_ca, peers_cert, peers_key: files (PEM) for TLS towards records, core and webhook: trusted authorities, and
            our own certificate and key.
        otlp_endpoint: URL of an OpenTelemetry collector, `http://…/v1/traces`.
        sandbox: serve invented applicants with promised outcomes instead of verifying; never in production.
        database_url: URL of a PostgreSQL database, `postgresql://…`; without it, SQLite in the data folder.

    Secrets may instead stand in files of the folder that `IDPROOF_SECRETS_DIR` names, one per secret, named like the
    variables in lower case (`idproof_database_url`), as orchestrators mount them.

    Times, counts and rates by default are chosen by hand; no outside source.
    """

    model_config = SettingsConfigDict(env_prefix="IDPROOF_", extra="ignore")

    data_dir: Path = Field(default_factory=_default_data_dir)
    profile: str = "open"
    document: str = "hkid-2018"
    issuer: str = "idproof"
    threads: int = Field(default=1, ge=1)
    branches: int = Field(default=1, ge=1)
    provider: Literal["cpu", "cuda", "auto"] = "auto"
    liveness_distance: Literal["arm", "standing"] = "arm"
    concurrency: int = Field(default=1, ge=1)
    executor: Literal["in-process", "ray"] = "in-process"
    ray_address: str | None = None
    replicas: int = Field(default=1, ge=1)
    max_replicas: int | None = Field(default=None, ge=1)
    queue: int = Field(default=32, ge=0)
    wait_s: float = Field(default=20.0, gt=0)
    idle_s: float = Field(default=15.0, gt=0)
    upload_bytes_per_s: float = Field(default=16_384.0, ge=0)
    production: bool = False
    inspectable: bool = False
    retention_days: float = Field(default=30.0, gt=0)
    session_required: bool = True
    session_s: float = Field(default=600.0, gt=0, le=86_400)
    session_attempts: int = Field(default=3, ge=1)
    registration_required: bool = False
    registration_attempts: int = Field(default=3, ge=1, le=20)
    registration_days: float = Field(default=14.0, gt=0)
    guardians: bool = False
    guardian_s: float = Field(default=900.0, gt=0, le=86_400)
    counter_ticket_days: float = Field(default=7.0, gt=0)
    device_tickets: bool = False
    counter_visit_s: float = Field(default=1800.0, gt=0, le=28_800)
    records_retry_s: float = Field(default=600.0, ge=0, le=3600)
    challenge_s: float = Field(default=120.0, gt=0, le=600)
    challenges: int = Field(default=5, ge=1)
    client_unused_sessions: int = Field(default=120, ge=1)
    device_unused_sessions: int = Field(default=40, ge=1)
    client_unanswered_challenges: int = Field(default=600, ge=1)
    device_unanswered_challenges: int = Field(default=240, ge=1)
    permit_s: float = Field(default=900.0, gt=0, le=86_400)
    accept_from: Literal["device", "attested"] = "device"
    accept_unattested_because: str | None = Field(default=None, min_length=10)
    accept_uploads_because: str | None = Field(default=None, min_length=10)
    accept_without_liveness_because: str | None = Field(default=None, min_length=10)
    accept_without_records_because: str | None = Field(default=None, min_length=10)
    liveness_required: bool = False
    gaze_required: bool = False
    card_light_required: bool = False
    stream_s: float = Field(default=240.0, gt=0, le=600)
    stream_grace_s: float = Field(default=30.0, ge=0, le=120)
    streams: int = Field(default=512, ge=1)
    streams_per_address: int = Field(default=128, ge=1)
    stream_threads: int = Field(default=2, ge=1)
    captures_remembered_hours: float = Field(default=72.0, ge=0, le=720)
    idempotency_hours: float = Field(default=24.0, gt=0)
    anonymous: bool = False
    allowed_hosts: str = ""
    oauth_issuer: str | None = None
    oauth_audience: str | None = None
    oauth_jwks_url: str | None = None
    oauth_token_type: str = Field(default="at+jwt", min_length=1)
    rate_per_minute: int = Field(default=600, ge=1)
    client_concurrency: int = Field(default=32, ge=1)
    trusted_proxies: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_by_proxy: bool = False
    tls_client_ca: Path | None = None
    health_cert: Path | None = None
    health_key: Path | None = None
    attestation_roots: Path | None = None
    attestation_origin: str | None = Field(default=None, pattern=r"^https://")
    trust_framework: str = "hk_idproof"
    core_key: Path | None = None
    core_url: str | None = Field(default=None, pattern=r"^https?://")
    webhook_url: str | None = Field(default=None, pattern=r"^https?://")
    outbox_attempts: int = Field(default=100, ge=1)
    records_url: str | None = Field(default=None, pattern=r"^https?://")
    records_file: Path | None = None
    otlp_endpoint: str | None = None
    sandbox: bool = False
    peers_ca: Path | None = None
    peers_cert: Path | None = None
    peers_key: Path | None = None
    database_url: SecretStr | None = None

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: str) -> str:
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
        if not all(_HOST_NAME.fullmatch(name) for name in names):
            raise ValueError("names of hosts, without scheme, port and wildcard")
        return ",".join(names)

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        return ",".join(map(str, parse_proxies(value)))

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if len({self.oauth_issuer is None, self.oauth_audience is None, self.oauth_jwks_url is None}) > 1:
            raise ValueError("oauth_issuer, oauth_audience and oauth_jwks_url belong together")
        if (self.tls_cert is None) != (self.tls_key is None) or (self.tls_client_ca and not self.tls_cert):
            raise ValueError("tls_cert and tls_key belong together, and tls_client_ca to them")
        if (self.health_cert is None) != (self.health_key is None):
            raise ValueError("health_cert and health_key belong together")
        if self.max_replicas is not None and self.max_replicas < self.replicas:
            raise ValueError("max_replicas is at least replicas")
        return self

    @model_validator(mode="after")
    def _sandbox_fits(self) -> "Settings":
        if self.sandbox and self.production:
            raise ValueError("a sandbox verifies nobody and is not for production")
        if self.sandbox and self.only is not None:
            raise ValueError("a sandbox is served whole")
        if self.sandbox and self.document != "hkid-2018":
            raise ValueError("the applicants of a sandbox hold cards of the type hkid-2018")
        return self

    @model_validator(mode="after")
    def _levels_consistent(self) -> "Settings":
        if self.accept_from != "attested":
            return self
        if self.attestation_roots is None or self.attestation_origin is None:
            raise ValueError("accept_from=attested needs attestation_roots and attestation_origin")
        if self.accept_unattested_because is not None or self.accept_uploads_because is not None:
            raise ValueError("accept_from=attested and a reason to accept others exclude each other")
        return self

    @model_validator(mode="after")
    def _face_templates_replace_no_portrait_service(self) -> "Settings":
        if not self.keeps_face_templates:
            return self
        if self.records_url is not None or self.records_file is not None:
            raise ValueError(
                "face_template=split_key excludes records: their portrait is compared, and nothing is kept"
            )
        if None in (self.passkey_rp_id, self.face_template_core_key, self.face_template_core_url):
            raise ValueError(
                "face_template=split_key needs passkey_rp_id, face_template_core_key and face_template_core_url"
            )
        if self.sandbox or self.executor == "ray":
            raise ValueError("face_template=split_key needs pictures to be examined in this process, and no sandbox")
        return self

    @classmethod
    def load(cls, **given: Any) -> "Settings":
        """Reads from the environment what is not given here; raises `SettingsInvalid`, which names no value."""
        try:
            return cls(_secrets_dir=os.environ.get("IDPROOF_SECRETS_DIR"), **given)  # type: ignore[call-arg]
        except ValidationError as error:
            wrong = "; ".join(
                f"IDPROOF_{str(entry['loc'][0] if entry['loc'] else '…').upper()}: {entry['msg']}"
                for entry in error.errors()
            )
            raise SettingsInvalid(f"These settings cannot be used: {wrong}.") from None

    def on_processors(self, count: int, workers: int = 1) -> "Settings":
        """Returns the settings for server processes that share so many processors, where nothing else was set.

        Each process examines on its share of the processors, and each registration at work has at least one of them.
        """
        share = max(1, count // (workers * self.threads))
        chosen = {"concurrency": share} if self.executor == "ray" else {"concurrency": share, "branches": share}
        return self.model_copy(update={name: n for name, n in chosen.items() if name not in self.model_fields_set})

    def for_sandbox(self) -> "Settings":
        """Returns the sandbox's settings: keys, database and issuer of its own, whatever the real service's are.

        The sandbox never opens the database of `database_url`: it would seal it with its own key, and a real service
        could not use it any more.
        """
        changed = {"data_dir": self.data_dir / "sandbox", "issuer": "idproof-sandbox", "sandbox": True}
        changed |= {"captures_remembered_hours": 0}  # its capture sets are the same for everybody
        # Keys of its own, which no wallet trusts.
        changed |= {"credential_key": None, "credential_chain": None}
        changed |= {"presentation_key": None, "presentation_chain": None}
        # Its verifier accepts only credentials of its own invented applicants, never real ones.
        changed |= {"presentation_roots": None, "presentation_issuers": ""}
        return self.model_copy(update=changed | {"records_url": None, "database_url": None})

    @property
    def host_names(self) -> tuple[str, ...]:
        """`allowed_hosts` as a tuple."""
        return tuple(name for name in self.allowed_hosts.split(",") if name)

    @property
    def database(self) -> Path:
        """SQLite file."""
        return self.data_dir / "verdicts.sqlite"

    @property
    def keys_dir(self) -> Path:
        """Folder of the keys, apart from the database."""
        return self.data_dir / "keys"

    @property
    def key_files(self) -> tuple[Path, Path]:
        """Files of the signing key and the sealing key."""
        return self.keys_dir / "signing.jwk", self.keys_dir / "sealing.key"

    @property
    def retired_file(self) -> Path:
        """Public halves of earlier signing keys."""
        return self.keys_dir / "retired.json"

    @property
    def revoked_file(self) -> Path:
        """Ids of revoked signing keys, and when each was revoked."""
        return self.keys_dir / "revoked.json"

    @property
    def jwks_file(self) -> Path:
        """File of the public keys, for offline checks."""
        return self.keys_dir / "jwks.json"

    @property
    def audit_log(self) -> Path:
        """File of the audit log."""
        return self.data_dir / "audit.jsonl"

    @property
    def audit_head(self) -> Path:
        """File of the audit log's signed head, apart from the log."""
        return self.keys_dir / "audit.head"
