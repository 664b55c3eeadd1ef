"""Makes the stored forms of protected templates, as the service stores them, and opens them again."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from numpy.typing import NDArray

from idproof.models.types import Embeddings
from idproof.pipeline import Limits
from idproof.pipeline.vault import Vault
from idproof.pipeline.vault.holder_layer import SECRET_BYTES, add_holder_layer, remove_holder_layer
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE
from idproof.pipeline.vault.split_templates import SUITE, TemplateOwner, open_template, protect_template
from idproof.pipeline.verdict import new_id

Stored = NDArray[np.uint8]
"""(n, bytes): stored forms, one in each row."""
_SELFIE = "selfie_colour"  # the template that is kept


@dataclass(frozen=True, repr=False)
class Service:
    """One service with its identity core.

    Attributes:
        private: of the core.
        network: full SHA-256 of the network that computed the templates.
    """

    private: ec.EllipticCurvePrivateKey
    network: str

    @classmethod
    def new(cls, network: str) -> "Service":
        """Returns a service with a new core."""
        return cls(ec.generate_private_key(ec.SECP256R1()), network)

    @property
    def core_key(self) -> bytes:
        """The core's public key."""
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True, repr=False)
class Holder:
    """A passkey: its id, and what its extension `prf` gives."""

    passkey: str
    secret: bytes

    @classmethod
    def new(cls) -> "Holder":
        """Returns a holder with a new passkey."""
        return cls(new_id().replace("ver_", "pk_"), os.urandom(SECRET_BYTES))


@dataclass(frozen=True, repr=False)
class Form:
    """A stored form, and what belongs to it."""

    owner: TemplateOwner
    layers: bytes


def protect(template: Embeddings, service: Service, holder: Holder, times: int = 1) -> Iterator[Form]:
    """Yields stored forms of one template, each of a verdict of its own.

    Args:
        template: (1, dimensions).
        service: that keeps it.
        holder: whose it is.
        times: number of forms.
    """
    with Vault(Limits()).open() as session:
        session.put(TEMPLATE, _SELFIE, template.copy())
        for _ in range(times):
            owner = TemplateOwner(new_id(), None, service.network)
            inner = protect_template(session, service.core_key, owner)
            yield Form(owner, add_holder_layer(inner, bytearray(holder.secret), holder.passkey, owner))


def opened(form: Form, service: Service, holder: Holder) -> Embeddings:
    """Returns the template of a stored form, as a step-up opens it."""
    inner = remove_holder_layer(form.layers, bytearray(holder.secret), holder.passkey, form.owner)
    key = bytearray(SUITE.decrypt(inner.key, service.private, info=form.owner.info(service.core_key)))
    with Vault(Limits()).open() as session:
        open_template(session, inner, key, form.owner)
        with session.borrow(TEMPLATE, ENROLLED_TEMPLATE) as template:
            found: Embeddings = np.array(template)
    return found


def rows(forms: list[Form]) -> Stored:
    """Returns the bytes of stored forms, which all have one length."""
    return np.stack([np.frombuffer(form.layers, dtype=np.uint8) for form in forms])
