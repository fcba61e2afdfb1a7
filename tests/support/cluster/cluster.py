"""The cluster as a whole: its machine, its control plane, and the node that may join."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.support import control_groups
from tests.support.cluster import programs
from tests.support.cluster.control_plane import ControlPlane
from tests.support.cluster.node import Node
from tests.support.cluster.room import Room, environment

_GROUP = "deploykit-cluster-"


class Cluster:
    """A cluster whose API server answers; `join` gives it a node."""

    def __init__(self, folder: Path, *, controllers: bool, users: tuple[str, ...]) -> None:
        self._group = f"{_GROUP}{folder.stat().st_ino}-{os.getpid()}"
        self.room = Room(folder, programs.folder())
        try:
            self.plane = ControlPlane(self.room, controllers=controllers, users=users)
        except BaseException:
            self.close()
            raise
        self.api = self.plane.api

    def join(self) -> Node:
        """Let this machine's real node into the cluster."""
        return Node(self.room, self.plane, self._group)

    def kubectl(self, *args: str, check: bool = True) -> str:
        """Run kubectl as the owner."""
        program = str(self.room.programs / "kubectl")
        config = f"--kubeconfig={self.plane.kubeconfig()}"
        return self.room.machine.run(program, config, *args, check=check, env=environment())

    def close(self) -> None:
        """End it as a power cut ends a cluster: nobody is asked."""
        self.room.close()
        control_groups.clear(self._group)


@contextlib.contextmanager
def made(folder: Path, *, controllers: bool = False, users: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts; see `ControlPlane` for what the arguments mean.

    Args:
        folder: An empty folder for logs and containers; not on an overlay, if a node is to join.
    """
    control_groups.sweep(_GROUP)
    cluster = Cluster(folder, controllers=controllers, users=users)
    try:
        yield cluster
    finally:
        cluster.close()
