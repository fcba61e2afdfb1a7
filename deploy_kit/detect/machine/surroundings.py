"""What is around us: a container, Windows, a hypervisor, another root, or a board with the chip soldered on."""

from __future__ import annotations

import re

from deploy_kit.detect.machine import mounts
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, unknown

GVISOR = "#1 SMP Sun Jan 10 15:06:54 PST 2016"
"""gVisor's kernel always shows this build date in /proc/version."""

_CONTAINER_FILES = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"))
_LXC_SOCKETS = ("/dev/lxd/sock", "/dev/incus/sock", "/dev/.lxc")
_CGROUP_NAMES = re.compile(r"/(docker|kubepods|lxc|libpod|containerd|machine\.slice)\b")
_RELEASE = "/proc/sys/kernel/osrelease"
_DMI = "/sys/class/dmi/id"
_DMI_FIELDS = ("product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version")
_DMI_WORDS = (
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("DigitalOcean", "kvm"),
    ("Alibaba Cloud", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VirtualBox", "oracle"),
    ("innotek GmbH", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
    ("Virtual Machine", "microsoft"),
    ("Google Compute Engine", "google"),
    ("Apple Virtualization", "apple"),
)
"""What firmware writes of itself, by the hypervisor that brings it; the first word that fits names it."""
_REAL = (".metal", "BareMetal")
"""Cloud machines without a hypervisor, though their maker's name is that of the cloud."""
_TREE = "/proc/device-tree"
_TEGRA = "/etc/nv_tegra_release"


def container(context: Context) -> Fact[str | None]:
    """The container runtime around us."""
    if GVISOR in (context.read("/proc/version") or ""):
        return known("gvisor", "/proc/version")
    if context.env.get("KUBERNETES_SERVICE_HOST"):
        return known("kubernetes", "KUBERNETES_SERVICE_HOST")
    for path, name in _CONTAINER_FILES:
        if context.exists(path):
            return known(name, path)
    if named := _declared(context) or _lxc(context):
        return named
    if match := _CGROUP_NAMES.search(context.read("/proc/1/cgroup") or ""):
        return known(match[1], "/proc/1/cgroup")
    return known(None, "/proc/1/cgroup", "no sign of a container")


def _declared(context: Context) -> Fact[str | None] | None:
    if (text := (context.read("/run/systemd/container") or "").strip()) and text != "wsl":
        return known(text, "/run/systemd/container")
    match = re.search(r"(?:^|\0)container=([^\0]+)", context.read("/proc/1/environ") or "")
    return known(match[1], "/proc/1/environ") if match else None


def _lxc(context: Context) -> Fact[str | None] | None:
    """Without root's rights: its sockets, or its files in place of the kernel's. A host has those in a folder."""
    if found := next((path for path in _LXC_SOCKETS if context.exists(path)), None):
        return known("lxc", found)
    covered = (one for one in mounts.read(context) if one.kind == "fuse.lxcfs" and one.place.startswith("/proc/"))
    mount = next(covered, None)
    return known("lxc", f"{mounts.OURS} {mount.place}") if mount else None


def wsl(context: Context) -> Fact[int | None]:
    """WSL2 runs a kernel named ``…-microsoft-standard-WSL2``; WSL1 imitates Linux 4.4 and says ``Microsoft``."""
    release = (context.read(_RELEASE) or context.kernel.uname().release).strip()
    if "microsoft" not in release.lower():
        return known(None, _RELEASE, "not Microsoft's kernel")
    second = "standard" in release.lower() or "wsl2" in release.lower() or context.exists("/dev/dxg")
    return known(2 if second else 1, _RELEASE, release)


def board(context: Context) -> Fact[str | None]:
    """A single-board computer with NVIDIA's chip, by its own name."""
    model = _text(context, f"{_TREE}/model")
    tegra = "nvidia,tegra" in (context.read(f"{_TREE}/compatible") or "")
    if tegra or "jetson" in model.lower():
        return known(model or "Jetson", f"{_TREE}/model")
    if release := context.read(_TEGRA):
        return known(model or f"Jetson {release.split(',')[0].strip('# ').strip()}", _TEGRA)
    return known(None, f"{_TEGRA}, {_TREE}", "neither names one")


def virtual(context: Context) -> Fact[str | None]:
    """The hypervisor below us: by what the firmware says, by Xen's own files, by the processor."""
    if wsl(context).value == 2:
        return known("microsoft", _RELEASE, "the Windows Subsystem for Linux")
    told = [text for name in _DMI_FIELDS if (text := _text(context, f"{_DMI}/{name}"))]
    if any(sign in text for text in told for sign in _REAL):
        return known(None, _DMI, told[0])
    named = next((kind for word, kind in _DMI_WORDS if any(word in text for text in told)), None)
    if named and (named != "microsoft" or any("Microsoft" in text for text in told)):
        return known(named, _DMI, told[0])
    if kind := _xen(context):
        return kind
    if compatible := _text(context, f"{_TREE}/hypervisor/compatible"):
        return known(compatible.removeprefix("linux,"), f"{_TREE}/hypervisor")
    return _by_processor(context, bool(told))


def _xen(context: Context) -> Fact[str | None] | None:
    """Xen's first domain drives the hardware itself."""
    if _text(context, "/sys/hypervisor/type") != "xen":
        return None
    if "control_d" in _text(context, "/proc/xen/capabilities"):
        return known(None, "/proc/xen/capabilities", "Xen's first domain")
    return known("xen", "/sys/hypervisor/type")


def _by_processor(context: Context, told: bool) -> Fact[str | None]:
    text = context.read("/proc/cpuinfo")
    if text is not None and (match := next((line for line in text.splitlines() if line.startswith("flags")), None)):
        if "hypervisor" in match.split():
            return known("vm-other", "/proc/cpuinfo flags", "a hypervisor that does not say its name")
        return known(None, "/proc/cpuinfo flags", "no hypervisor")
    if told:
        return known(None, _DMI, "no hypervisor that we know")
    return unknown(f"{_DMI}, /proc/cpuinfo", "neither tells")


def chroot(context: Context) -> Fact[bool]:
    """Whether our root is another than that of process 1, told from the two lists of mounts: no rights needed."""
    first = "/proc/1/mountinfo"
    ours, theirs = mounts.read(context), mounts.read(context, first)
    if not ours:
        return unknown(mounts.OURS, "cannot be read")
    root = next((one for one in reversed(ours) if one.place == "/"), None)
    if root is None:
        return known(True, mounts.OURS, "nothing is mounted at our root: it is a folder of another one")
    other = next((one for one in reversed(theirs) if one.place == "/"), None)
    if other is None:
        return unknown(first, "cannot be read")
    if (root.device, root.inner) != (other.device, other.inner):
        return known(True, first, f"our root is {root.device} {root.inner}, that of process 1 {other.device}")
    return known(False, first)


def elsewhere(context: Context) -> bool:
    """Whether kernel and driver are another system's business: in a container, or below Windows."""
    return container(context).value is not None or wsl(context).value is not None


def _text(context: Context, path: str) -> str:
    """A line of the kernel's; firmware ends its texts with a zero."""
    return (context.read(path) or "").replace("\0", " ").strip()
