"""Stored face templates. Methods work within the caller's transaction."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, true

from idproof.pipeline.vault.split_templates import TemplateOwner
from idproof.service.operations.audit import AuditLog
from idproof.service.storage.schema import FACE_TEMPLATES
from idproof.service.storage.seal import Seal


class Destroyed(StrEnum):
    """Cause of the end of a template."""

    REPLACED = "replaced"
    HOLDER = "holder"
    OPERATOR = "operator"
    PASSKEY_REVOKED = "passkey_revoked"
    PASSKEY_SUSPENDED = "passkey_suspended"
    ERASED = "erased"
    CORE_REVOKED = "core_revoked"
    BOUND = "bound"
    TIME_OVER = "time_over"
    NOT_STORED = "not_stored"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, repr=False)
class StoredTemplate:
    """A template that its passkey and the identity core open together.

    Attributes:
        passkey: id of the passkey that removes the outer layer.
        owner: that both layers are bound to.
        layers: what `holder_layer.add_holder_layer` returned.
    """

    passkey: str
    owner: TemplateOwner
    layers: bytes


class FaceTemplateStore:
    """The templates of a database.

    Args:
        seal: of the database.
        audit: gets a line for each template that ends.
    """

    def __init__(self, seal: Seal, audit: AuditLog) -> None:
        self._seal = seal
        self._audit = audit

    def insert(self, connection: Connection, template: StoredTemplate, person: bytes | None) -> None:
        """Stores a template in place of earlier ones of the verdict, of the passkey and of the card's holder.

        Args:
            connection: of the transaction.
            template: to store.
            person: keyed hash of the card's number, or None.
        """
        owner = template.owner
        mine = [FACE_TEMPLATES.c.verification == owner.verification, FACE_TEMPLATES.c.id == template.passkey]
        if person is not None:
            mine.append(FACE_TEMPLATES.c.person == person)
        self._destroy(connection, or_(*mine), Destroyed.REPLACED)
        document = {
            "registration": owner.registration,
            "network": owner.network,
            "layers": b64encode(template.layers).decode(),
        }
        row = {
            "id": template.passkey,
            "verification": owner.verification,
            "person": person,
            "sealed": self._seal.close(template.passkey, document),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        connection.execute(insert(FACE_TEMPLATES).values(row))

    def find(self, connection: Connection, passkey: str) -> StoredTemplate | None:
        """Returns the template of a passkey; None if there is none."""
        row = connection.execute(select(FACE_TEMPLATES).where(FACE_TEMPLATES.c.id == passkey)).first()
        if row is None:
            return None
        opened = self._seal.open(row.id, row.sealed)
        owner = TemplateOwner(row.verification, opened["registration"], opened["network"])
        return StoredTemplate(row.id, owner, b64decode(opened["layers"]))

    @staticmethod
    def count(connection: Connection) -> int:
        """Returns the number of templates."""
        return connection.scalar(select(func.count()).select_from(FACE_TEMPLATES)) or 0

    def destroy_all(self, connection: Connection, cause: Destroyed) -> int:
        """Destroys every template; returns how many there were. Raises `AuditBroken`."""
        return self._destroy(connection, true(), cause)

    def destroy(self, connection: Connection, passkeys: Iterable[str], cause: Destroyed) -> int:
        """Destroys the templates of passkeys; returns how many there were. Raises `AuditBroken`."""
        return self._destroy(connection, FACE_TEMPLATES.c.id.in_(list(passkeys)), cause)

    def _destroy(self, connection: Connection, which: ColumnElement[bool], cause: Destroyed) -> int:
        wanted = select(FACE_TEMPLATES.c.id, FACE_TEMPLATES.c.verification).where(which)
        found = connection.execute(wanted).all()
        for row in found:
            connection.execute(delete(FACE_TEMPLATES).where(FACE_TEMPLATES.c.id == row.id))
            self._audit.append("face_template_destroyed", passkey=row.id, id=row.verification, cause=cause)
        return len(found)
