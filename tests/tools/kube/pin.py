"""Write ``go.mod`` and ``go.sum`` for a release of Kubernetes and one of Helm: ``python pin.py 1.34.4 3.19.5``.

Kubernetes publishes its staging modules beside itself and refuses to be required without them, so that each is named
here at the version that belongs to the release. Helm should be built against the same minor, or both compile twice.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
_STAGING = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/", re.MULTILINE)
_GO = re.compile(r"^go (\S+)", re.MULTILINE)


def main(kubernetes: str, helm: str) -> None:
    upstream = _upstream(kubernetes)
    staging = f"v0.{kubernetes.partition('.')[2]}"
    go = _GO.search(upstream)
    assert go is not None
    lines = [
        f"// Made by pin.py {kubernetes} {helm}.",
        *("module kube", "", f"go {go[1]}", "", "tool helm.sh/helm/v3/cmd/helm", ""),
        f"require (\n\thelm.sh/helm/v3 v{helm}\n\tk8s.io/kubernetes v{kubernetes}\n)\n",
        "replace (",
        *(f"\t{name} => {name} {staging}" for name in _STAGING.findall(upstream)),
        ")",
    ]
    (HERE / "go.mod").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (HERE / "go.sum").unlink(missing_ok=True)
    _go("mod", "tidy", cwd=HERE)


def _upstream(kubernetes: str) -> str:
    found = json.loads(_go("mod", "download", "-json", f"k8s.io/kubernetes@v{kubernetes}", cwd=Path("/")))
    return Path(found["GoMod"]).read_text(encoding="utf-8")


def _go(*args: str, cwd: Path) -> str:
    own = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    done = subprocess.run(("go", *args), cwd=cwd, env=os.environ | own, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
