"""Opens the reviews of a service from its settings."""

from idproof.service.outbox import Destination
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.reviews.pictures import HeldPictures, PictureRules
from idproof.service.reviews.reviewers import Reviewers
from idproof.service.reviews.reviews import Reviews
from idproof.service.reviews.rules import ReviewRules

_MIB = 1024 * 1024


def open_reviews(intake: RegistrationIntake) -> Reviews | None:
    """Returns the reviews; None where referred registrations are not reviewed."""
    settings, store = intake.settings, intake.store
    if not settings.review_referred:
        return None
    rules = ReviewRules.of(settings)
    reviewers = Reviewers(store.database, store.seal, intake.audit, rules)
    pictures = None
    if settings.review_pictures == "sealed":
        most = settings.review_pictures_mib * _MIB
        limits = PictureRules(settings.review_pictures_s, most, rules.officers)
        pictures = HeldPictures(intake.audit, reviewers.recipients, limits)
    parts = (store, intake.cases, reviewers, intake.audit, intake.delivery_worker.outbox, intake.keys, settings.issuer)
    core = Destination.CORE in intake.delivery_worker.destinations
    return Reviews(*parts, rules, pictures, core=core)
