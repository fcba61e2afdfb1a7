"""What the layers hold. A file that a later layer deletes counts as held: whoever has the image has it."""

from __future__ import annotations

import re
import stat

from deploy_kit.verify.suite import engines, layers, traces

_COMPILERS = re.compile(
    r"/(?:usr/(?:local/)?)?bin/(?:[a-z0-9_]+-linux-gnu-)?(?:gcc|g\+\+|cc|c\+\+|clang|ld|as|make|nvcc|rustc|go)(?:-[\d.]+)?"
)
_INSTALLERS = re.compile(r"/(?:usr/(?:local/)?|opt/deploykit/[a-z]+/)bin/(?:pip[\d.]*|uv|curl|wget|git|npm|node)")
_CACHES = (
    re.compile(r"/var/lib/apt/lists/.+(?:Packages|InRelease|Release)[^/]*"),
    re.compile(r"/var/cache/apt/(?:archives/.+\.deb|\w+\.bin)"),
    re.compile(r"/(?:root/(?!\.bashrc$|\.profile$)|home/[^/]+/|tmp/).+"),
    re.compile(r"/var/log/(?:.*\.log|apt/.+)"),
    re.compile(r".*/\.cache/.*"),
)
_SITE_FILES = re.compile(
    r"/run/secrets/.*|/build/.*|/etc/pip\.conf|/etc/apt/auth\.conf(?:\.d/.+)?|/etc/apt/apt\.conf\.d/99mmdebstrap"
)
_PUBLIC_CERTIFICATES = re.compile(r"/usr/share/ca-certificates/.+\.crt|.*/certifi/cacert\.pem")
"""What Debian and certifi ship: these are public, wherever else they occur."""

_OWN = "/opt/deploykit/"
_LARGEST_TEXT = 4_000_000
_ELF = b"\x7fELF"  # libraries carry keys for their self-tests


def test_no_compiler(saved: layers.Saved) -> None:
    found = [entry.name for entry in saved.entries if _COMPILERS.fullmatch(entry.name)]
    assert not found, f"{found[:5]}"


def test_no_installer(saved: layers.Saved) -> None:
    found = [entry.name for entry in saved.entries if _INSTALLERS.fullmatch(entry.name)]
    assert not found, f"{found[:5]}"


def test_no_caches(saved: layers.Saved) -> None:
    found = [e.name for e in saved.entries if e.regular and e.size and any(rule.fullmatch(e.name) for rule in _CACHES)]
    assert not found, f"{found[:5]}"


def test_no_site_files(saved: layers.Saved) -> None:
    found = [entry.name for entry in saved.entries if entry.regular and _SITE_FILES.fullmatch(entry.name)]
    assert not found, f"{found[:5]}"


def test_no_private_key(saved: layers.Saved) -> None:
    small = saved.contents(lambda entry: entry.size < _LARGEST_TEXT)
    found = [e.name for e, content in small if not content.startswith(_ELF) and traces.PRIVATE_KEY.search(content)]
    assert not found, f"{found[:5]}"


def test_no_site_secret(saved: layers.Saved, markers: tuple[str, ...]) -> None:
    shipped = saved.contents(lambda entry: bool(_PUBLIC_CERTIFICATES.fullmatch(entry.name)))
    public = "\n".join(content.decode(errors="replace") for _, content in shipped)
    wanted = (*traces.fingerprints(traces.host_bundle(), public), *(marker.encode() for marker in markers))
    found = [entry.name for entry in saved.holding(wanted)]
    assert not found, f"a certificate or secret of this site stands in {found[:5]}"


def test_no_byte_code_of_ours(saved: layers.Saved) -> None:
    found = [
        e.name for e in saved.entries if e.name.startswith(f"{_OWN}app/") and e.name.endswith((".pyc", "__pycache__"))
    ]
    assert not found, f"{found[:5]}"


def test_nothing_writable_by_all(saved: layers.Saved) -> None:
    found = [e.name for e in saved.entries if e.regular and e.mode & stat.S_IWOTH]
    assert not found, f"{found[:5]}"


def test_no_privileged_file_of_ours(saved: layers.Saved) -> None:
    bits = stat.S_ISUID | stat.S_ISGID
    found = [e.name for e in saved.entries if e.layer > 0 and e.regular and e.mode & bits]
    assert not found, f"{found[:5]} run with the rights of their owner"


def test_licences_in_place(saved: layers.Saved) -> None:
    names = {entry.name for entry in saved.entries}
    for package in ("espeak-ng", "libespeak-ng1", "tini"):
        assert f"/usr/share/doc/{package}/copyright" in names, f"the licence of {package} is missing"


def test_one_copy_of_each_cuda_library(saved: layers.Saved, variant: str) -> None:
    found = engines.cuda_libraries(entry.name for entry in saved.entries if entry.regular)
    if not engines.cuda(variant):
        assert not found, f"{sorted(found)} have no place here"
    double = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert not double, f"{double}"
    assert bool(found) == bool(engines.cuda(variant)), "it holds no CUDA library at all"
