"""Settings of the face templates that a passkey and the identity core open together; part of `Settings`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class FaceTemplateSettings(BaseSettings):
    """Settings of face templates for later step-ups.

    Attributes:
        face_template: `split_key` keeps the face template of an accepted registration for step-ups, encrypted to the
            holder's passkey and to the identity core, where there is no portrait service (`docs/passkeys.md`); `none`
            keeps none.
        face_template_core_key: file with the core's public key on P-256 (JWK) that templates are encrypted to.
        face_template_core_url: URL at which the core releases the key of one template for one step-up.
    """

    face_template: Literal["none", "split_key"] = "none"
    face_template_core_key: Path | None = None
    face_template_core_url: str | None = Field(default=None, pattern=r"^https?://")

    @property
    def keeps_face_templates(self) -> bool:
        """True where face templates are kept for step-ups."""
        return self.face_template == "split_key"
