"""Delivery of verdicts: queued in the transaction that stores the verdict, delivered at least once and in order."""

from idproof.service.outbox.delivery import DeliveryTiming, DeliveryWorker
from idproof.service.outbox.queue import Delivery, Destination, Outbox

__all__ = ["Delivery", "DeliveryTiming", "DeliveryWorker", "Destination", "Outbox"]
