"""Starts a Ray cluster of several nodes on this machine, and kills and replaces nodes on command.

`python -m idproof.benchmarks.scale.nodes NODES` prints the cluster's address, then obeys each line of standard input:
`replace` kills the oldest node with all its processes and adds another.
"""

import sys
from typing import Any

from ray.cluster_utils import Cluster

_STORE_BYTES = 128 * 1024 * 1024  # of each node; a registration takes about 6 MB. Chosen by hand.


def main(count: int) -> None:
    """Serves until standard input ends."""
    config = {"automatic_object_spilling_enabled": False, "worker_niceness": 0}
    head = {"num_cpus": 0, "object_store_memory": _STORE_BYTES, "include_dashboard": False, "_system_config": config}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [_node(cluster) for _ in range(count)]
    _say(cluster.address)
    for line in sys.stdin:
        if line.strip() == "replace":
            cluster.remove_node(nodes.pop(0), allow_graceful=False)
            nodes.append(_node(cluster))
            _say("replaced")
    end: Any = cluster.shutdown
    end()


def _node(cluster: Cluster) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
