"""Delivery of verdicts: noted in the transaction that keeps the verdict, done at least once, in order."""

from idproof.service.outbox.courier import Courier
from idproof.service.outbox.queue import Destination, Entry, Outbox

__all__ = ["Courier", "Destination", "Entry", "Outbox"]
