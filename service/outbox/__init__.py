"""Delivery of verdicts: noted in the transaction that keeps the verdict, done at least once, in order."""

from idproof.service.outbox.delivery import DeliveryWorker
from idproof.service.outbox.queue import Destination, Entry, Outbox

__all__ = ["DeliveryWorker", "Destination", "Entry", "Outbox"]
