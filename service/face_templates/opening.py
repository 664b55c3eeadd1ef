"""Opens the face templates of a service from its settings."""

from idproof.service.errors import SettingsInvalid
from idproof.service.face_templates.core import KeyReleases, load_core_key
from idproof.service.face_templates.pending import PendingTemplates
from idproof.service.face_templates.store import FaceTemplateStore
from idproof.service.face_templates.templates import FaceTemplates
from idproof.service.passkeys.login import PasskeyLogins
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.registrations.intake import RegistrationIntake


def open_face_templates(intake: RegistrationIntake) -> FaceTemplates | None:
    """Returns the templates; None where none are kept.

    Raises:
        CoreKeyUnusable: nothing can be encrypted to the core's key.
        SettingsInvalid: the verifier computes no templates in this process, or none are kept and the database holds
            some of before, of which the published statement would not tell.
    """
    settings, rules, store = intake.settings, PasskeyRules.of(intake.settings), intake.store
    if not settings.keeps_face_templates or rules is None or settings.face_template_core_key is None:
        with store.database.read() as connection:
            left = FaceTemplateStore.count(connection)
        if left:
            sentence = (
                "destroy them (idproof passkey destroy-face-template --all), or set IDPROOF_FACE_TEMPLATE=split_key"
            )
            raise SettingsInvalid(f"The database holds {left} face templates: {sentence}.")
        return None
    network = intake.verifier.template_network
    if not network:
        raise SettingsInvalid("IDPROOF_FACE_TEMPLATE=split_key needs pictures to be examined in this process.")
    core_key = load_core_key(settings.face_template_core_key)
    logins = PasskeyLogins(rules, store.database, store.seal, intake.keys, intake.audit, settings.issuer)
    pending = PendingTemplates(intake.audit, core_key, network, settings.passkey_bind_s)
    releases = KeyReleases.open(settings, intake.keys)
    return FaceTemplates(rules, store, logins, intake.audit, pending, releases, network)
