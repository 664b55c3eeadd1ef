"""The connection of this process to a Ray cluster: one that runs already, or one started on this machine.

This file and `ray_cluster` are the only importers of Ray.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import ray
from ray._private import ray_constants, services

from idproof.pipeline.errors import ClusterUnavailable
from idproof.pipeline.executors.ray_folder import own_folder

APPLICATION = "idproof"
"""Ray's namespace, and the name of the application in it."""

_MIB = 1024 * 1024
_STORE_MIB = 256
"""Ray's object store on a cluster of one machine: the sealed captures under way; derived in docs/cluster.md."""

_REDUCED_POLLING = {
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "5000",
    "REPORTER_UPDATE_INTERVAL_MS": "30000",
    "RAY_enable_metrics_collection": "0",
}
"""Intervals at which Ray inspects a cluster of one machine, whose own metrics are not read: with Ray's defaults it took
a ninth of a core from the examinations. Chosen by hand; no outside source."""

_LOOPBACK = "127.0.0.1"
"""Address of a cluster of one machine. Ray's servers listen on this address alone; with any other, also of the loopback
network, they listen on every address of the machine."""

_SEVERAL_NODES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch, on every system, for clusters of several machines."""

_CONNECT_TIMEOUT_S = 10.0
"""Seconds in which a cluster's address must accept a connection. Chosen by hand; no outside source."""


def start(address: str | None = None, *, cpus: int | None = None) -> None:
    """Connect to a cluster, or start one on this machine that neither spills to files nor shows a dashboard.

    Raises:
        ClusterUnavailable: no cluster answers at that address.
    """
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"address": address}
    if address is not None:
        _check_reachable(address)
    else:
        options = {"address": "local", "num_cpus": cpus, "include_dashboard": False}
        options |= {"object_store_memory": _STORE_MIB * _MIB, "_temp_dir": str(own_folder())}
        # By default Ray's workers yield the processor to every other process.
        options["_system_config"] = {"automatic_object_spilling_enabled": False, "worker_niceness": 0}
        options["_node_ip_address"] = _LOOPBACK
        for name, value in _REDUCED_POLLING.items():
            os.environ.setdefault(name, value)
    own_handler = signal.getsignal(signal.SIGTERM)
    log_through_root()
    try:
        with _within_the_machine() if address is None else nullcontext():
            ray.init(namespace=APPLICATION, log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterUnavailable(f"No Ray cluster can be reached ({type(error).__name__}).") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, own_handler)  # Ray's would end a server that still has work to finish


@contextmanager
def _within_the_machine() -> Iterator[None]:
    """Starts Ray's processes in the block so that they look up no name and address no other machine.

    Ray replaces 127.0.0.1 by an address on the network unless it is told that there is one machine.

    Even with usage statistics off, Ray's reporter of them, which is the one module of a cluster without a dashboard,
    asks `metadata.google.internal` and 169.254.169.254 for the provider of the machine. It is not started. A process
    that does not know its node's address finds it by a socket towards 8.8.8.8, unless the variable is 0.
    """
    reporter, before = services.start_api_server, os.environ.get(_SEVERAL_NODES)
    several = ray_constants.ENABLE_RAY_CLUSTER
    services.start_api_server = lambda *_, **__: (None, None)
    ray_constants.ENABLE_RAY_CLUSTER = False
    os.environ[_SEVERAL_NODES] = "0"
    try:
        yield
    finally:
        services.start_api_server = reporter
        ray_constants.ENABLE_RAY_CLUSTER = several
        del os.environ[_SEVERAL_NODES]
        if before is not None:
            os.environ[_SEVERAL_NODES] = before


def log_through_root() -> None:
    """Sends the warnings of Ray's loggers to the handlers of the application: their own write lines of another form."""
    for name in ("ray", "ray.serve"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def _check_reachable(address: str) -> None:
    """Raise `ClusterUnavailable` when nothing accepts a connection: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(f"No Ray cluster can be reached ({type(error).__name__}).") from None


def stop() -> None:
    """Disconnect from the cluster; one that this process started ends."""
    ray.shutdown()
