"""Asks the records again for registrations that they did not answer, until they do or the time is over.

The answer becomes a verdict of its own, signed, stored and delivered like every other. Its transaction is the one that
ends the wait: whatever is killed in between, the records are asked once more, and one verdict is stored.
"""

from contextlib import suppress

import anyio
import structlog

from idproof.pipeline import Verdict
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.fields import records
from idproof.pipeline.types import Status
from idproof.pipeline.verdict import from_json, to_json
from idproof.service.cases.record_retries import RecordRetry
from idproof.service.errors import ServiceProblem, log_error
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.registrations.responses import signed_response
from idproof.service.storage import Ticket

POLL_S = 2.0
"""Seconds between looks for registrations that are due: chosen by hand; no outside source."""

log = structlog.get_logger("idproof")


async def run(intake: RegistrationIntake) -> None:
    """Asks for as long as the process lives; errors are logged, and what failed is due again when its lease lapses."""
    while True:
        try:
            found = await anyio.to_thread.run_sync(ask_next, intake)
        except Exception as error:  # noqa: BLE001 - one unexpected error must not end all retries
            log_error(error)
            found = False
        if found:
            intake.delivery_worker.wake()
        else:
            await anyio.sleep(POLL_S)


def ask_next(intake: RegistrationIntake) -> bool:
    """Asks the records for the registration that is due first; returns False if none is due."""
    retries = intake.cases.retries
    retry = retries.claim()
    if retry is None:
        return False
    found = intake.verifier.ask_records_again(from_json(dict(retry.kept["verdict"])))
    if _unanswered(found):
        if not retries.may_ask_again(retry):
            intake.cases.end_retry(retry)
        else:
            retries.postpone(retry)
        return True
    try:
        _store(intake, retry, found)
    except ServiceProblem as problem:
        if problem.code == "request_in_progress":  # the applicant sends new captures, whose verdict ends this wait
            retries.postpone(retry)
        else:
            intake.cases.end_retry(retry)
    return True


def _store(intake: RegistrationIntake, retry: RecordRetry, found: Verdict) -> None:
    ticket = intake.ledger.begin(retry.client, None, None, retry.registration)
    assert isinstance(ticket, Ticket)  # noqa: S101 - without a key there is nothing to replay
    body = to_json(found) | {name: retry.kept[name] for name in ("reference", "session", "guardian")}
    body |= {"id": ticket.id, "registration": retry.registration}
    country = intake.verifier.document.issuer_country
    response = signed_response(body, intake.keys.current, intake.settings, intake.core_key, country)
    destinations = sorted(intake.delivery_worker.destinations)
    number = found.form.get("number")
    try:
        intake.ledger.finish(
            ticket,
            response,
            None,
            lambda on: intake.consequences.store(on, ticket, response, found, destinations, after=retry.id),
            number,
        )
    except IdproofError:
        with suppress(IdproofError):  # if this cannot be stored either, the lease lapses
            intake.ledger.abandon(ticket)
        raise
    intake.metrics.count_verdict(response["decision"], response["reasons"], {})
    log.info("verified", id=ticket.id, decision=response["decision"], reasons=response["reasons"])


def _unanswered(found: Verdict) -> bool:
    asked = [check for check in found.checks if check.name == records.NAME]
    return any(check.status is Status.COULD_NOT_ASSESS for check in asked)
