"""Limits of registrations."""

from dataclasses import dataclass
from typing import Self

from idproof.service.operations.settings import Settings

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """Limits of registrations. The defaults are those of `Settings`, chosen by hand; no outside source.

    Attributes:
        attempts: verdicts that a registration may have before it goes to a counter.
        lifetime_s: seconds after its opening at which an unfinished registration expires.
        reviewed: a referred registration that new captures cannot settle waits for a reviewer, before it goes to a
            counter.
        records_retry_s: seconds for which the records are asked again; 0 for never.
        ticket_s: seconds for which a ticket for a counter may be used.
        visit_s: seconds for which a registration stays open at the counter that opened it.
    """

    attempts: int = 3
    lifetime_s: float = 14 * _DAY_S
    reviewed: bool = False
    records_retry_s: float = 600.0
    ticket_s: float = 7 * _DAY_S
    visit_s: float = 1800.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns the limits of an operator's settings."""
        days = min(settings.registration_days, settings.retention_days)
        return cls(
            attempts=settings.registration_attempts,
            lifetime_s=days * _DAY_S,
            reviewed=settings.review_referred,
            records_retry_s=settings.records_retry_s,
            ticket_s=settings.counter_ticket_days * _DAY_S,
            visit_s=settings.counter_visit_s,
        )
