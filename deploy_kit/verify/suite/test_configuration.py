"""What the image says about itself: nothing has to run for these."""

from __future__ import annotations

import re
from typing import Any

from deploy_kit import data
from deploy_kit.verify.suite import containers, traces

_DIGEST = re.compile(r"[0-9a-f]{64}")


def test_user(config: dict[str, Any]) -> None:
    user, _, group = config["User"].partition(":")
    assert user.isdigit(), f"the user is {config['User']!r}, not a number: Kubernetes cannot tell that it is not root"
    assert int(user) > 0, "it runs as root"
    assert group == "0", f"the group is {group!r}, not 0"


def test_entrypoint(config: dict[str, Any]) -> None:
    assert config["Entrypoint"][:2] == ["/usr/bin/tini", "--"], config["Entrypoint"]
    assert config.get("StopSignal") == "SIGTERM", config.get("StopSignal")


def test_health_check_declared(config: dict[str, Any]) -> None:
    check = config.get("Healthcheck")
    assert check, "no health check"
    assert check["Test"][0] == "CMD", f"{check['Test']} needs a shell"


def test_port(config: dict[str, Any]) -> None:
    assert list(config["ExposedPorts"]) == ["7860/tcp"], config["ExposedPorts"]


def test_no_anonymous_volumes(config: dict[str, Any]) -> None:
    assert not config.get("Volumes"), f"{config['Volumes']} would leave anonymous volumes behind"


def test_gpu_is_opt_in(config: dict[str, Any]) -> None:
    environment = dict(pair.split("=", 1) for pair in config["Env"])
    assert environment.get("NVIDIA_VISIBLE_DEVICES") == "void", "every GPU of a host would be taken unasked"
    assert environment.get("NVIDIA_DRIVER_CAPABILITIES") == "compute,utility"
    assert "NVIDIA_REQUIRE_CUDA" not in environment, "it would refuse to start on hosts with another driver"


def test_labels(config: dict[str, Any]) -> None:
    labels = config.get("Labels") or {}
    assert labels.get("io.deploykit.variant") in data.table("image_budget"), labels
    for name in ("title", "description", "licenses", "version"):
        assert labels.get(f"org.opencontainers.image.{name}"), f"org.opencontainers.image.{name} is missing"
    inputs = labels.get("io.deploykit.inputs")
    assert inputs is None or _DIGEST.fullmatch(inputs), f"io.deploykit.inputs is {inputs!r}"


def test_size(config: dict[str, Any]) -> None:
    variant = (config.get("Labels") or {}).get("io.deploykit.variant")
    limit = data.table("image_budget")[variant]["bytes"]
    assert config["Size"] <= limit, f"{config['Size'] / 1e6:.0f} MB, the budget is {limit / 1e6:.0f} MB"


def test_no_credentials_in_history(image: str, config: dict[str, Any], markers: tuple[str, ...]) -> None:
    text = containers.history(image) + repr(config)
    hidden = traces.CREDENTIALS.search(text)
    assert hidden is None, "a URL with a password stands in the image's history or environment"
    assert not any(marker in text for marker in markers), "a secret of this site stands in the image's history"
