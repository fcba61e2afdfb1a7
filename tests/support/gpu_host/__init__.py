"""A host with NVIDIA cards, on a machine without: what the unmodified product sees, asks and gets is seen for real.

The host is this machine once more, in namespaces of its own (mounts, network, processes): the same programs and files,
with overlays on ``/usr``, ``/etc`` and ``/var``. Cards stand on its bus, the driver's version in ``/proc``, device
nodes in ``/dev``; NVIDIA's libraries are `tests.support.stubs`. A container engine of its own runs at the usual place,
with NVIDIA's container toolkit in one of its forms (`Form`), and whatever that toolkit would put into a container
really gets there. In a container `tests.support.standin_cuda` makes PyTorch believe, where a card was handed in and
nowhere else.

Nothing of this host outlives the process that made it: its first process ends when a pipe closes, and takes every
other one, every mount and the network with it. Layers of images are borrowed as hard links, which cost no room.

Root is needed, and dockerd's, iproute2's and util-linux's programs, and gcc.
"""

from __future__ import annotations

from tests.support.gpu_host.host import Host, made
from tests.support.gpu_host.toolkit import Form

__all__ = ["Form", "Host", "made"]
