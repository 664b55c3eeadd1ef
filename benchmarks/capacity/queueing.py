"""Computes the replicas that a stream of registrations needs, by queueing theory."""

import math
from dataclasses import dataclass

_SHARE = 0.05  # of registrations that may wait longer: the 95th percentile


def erlang_c(servers: int, offered: float) -> float:
    """Returns the share of arrivals that must wait in a queue M/M/c.

    By the recursion of Erlang's loss formula, which neither overflows nor cancels (Cooper, "Introduction to Queueing
    Theory", 1981, section 3.3).

    Args:
        servers: c, at least 1.
        offered: arrivals per second times seconds of service, below c.

    Raises:
        ValueError: the queue would grow without end.

    Example:
        Two servers, each busy half of the time:

        >>> round(erlang_c(2, 1.0), 4)
        0.3333
    """
    if not 0 <= offered < servers:
        raise ValueError("the work offered must be less than the servers can do")
    loss = 1.0
    for busy in range(1, servers + 1):
        loss = offered * loss / (busy + offered * loss)
    return servers * loss / (servers - offered * (1 - loss))


@dataclass(frozen=True)
class Waiting:
    """Waiting times in a queue M/G/c.

    Attributes:
        utilisation: share of time that a server is busy.
        delayed: share of arrivals that wait at all.
        mean_s: over all arrivals.
        p95_s: 95th percentile over all arrivals.
    """

    utilisation: float
    delayed: float
    mean_s: float
    p95_s: float


def waiting(servers: int, per_s: float, service_s: float, variation: float) -> Waiting:
    """Computes the waiting times of arrivals.

    The mean is Allen and Cunneen's approximation for Poisson arrivals, exact for one server (Allen, "Probability,
    Statistics, and Queueing Theory", 1990, section 5.3.5); the percentile assumes exponential waits of those
    that wait, which holds in heavy traffic (Kingman, 1962).

    Args:
        servers: c.
        per_s: arrivals per second.
        service_s: mean seconds of service.
        variation: squared coefficient of variation of the service.

    Raises:
        ValueError: the queue would grow without end.
    """
    offered = per_s * service_s
    delayed = erlang_c(servers, offered)
    mean = delayed * service_s / (servers - offered) * (1 + variation) / 2
    p95 = mean / delayed * math.log(delayed / _SHARE) if delayed > _SHARE else 0.0
    return Waiting(offered / servers, delayed, mean, p95)


def servers_needed(per_s: float, service_s: float, variation: float, wait_s: float) -> int:
    """The fewest servers with which the 95th percentile of waiting is at most `wait_s`."""
    servers = math.floor(per_s * service_s) + 1
    while waiting(servers, per_s, service_s, variation).p95_s > wait_s:
        servers += 1
    return servers
