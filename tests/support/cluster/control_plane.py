"""etcd and the API server, on request with the controllers and the scheduler; and who may log in."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.support.cluster.api import Api, Refused
from tests.support.cluster.room import ADDRESS, HOME, Room

OWNER = "owner"
_URL = f"https://{ADDRESS}:6443"
_ETCD = "http://127.0.0.1:2379"
_SERVICES = "10.96.0.0/16"
_PODS = "10.244.0.0/16"
_LEANING = ("ServiceAccount", "TaintNodesByCondition", "StorageObjectInUseProtection")
"""Parts of the API server that leave to a controller to finish what they begin."""

_CERTIFICATES = f"{HOME}/certificates"


class ControlPlane:
    """A control plane that answers.

    Args:
        controllers: Also what makes pods of deployments, places them, and fills in what objects leave out. Without,
            objects stay as they were put there.
        users: Who may log in besides the owner; none of them has a right that no binding gives.
    """

    def __init__(self, room: Room, *, controllers: bool, users: tuple[str, ...]) -> None:
        self._room = room
        self._tokens = {name: secrets.token_hex(16) for name in (OWNER, *users)}
        self.api = Api(_URL, self._tokens[OWNER], room.machine.network)
        self._etcd()
        self._api_server(controllers)
        if controllers:
            self._controllers()

    def kubeconfig(self, name: str = OWNER, **changes: Any) -> str:
        """A user's kubeconfig on that machine.

        Args:
            changes: What differs: ``server``, ``token``, ``cluster`` and ``user`` (parts, merged), ``namespace``.
        """
        cluster = {"server": changes.get("server", _URL), "certificate-authority": f"{_CERTIFICATES}/apiserver.crt"}
        user = {"token": changes.get("token", self._tokens.get(name, ""))}
        cluster, user = cluster | changes.get("cluster", {}), user | changes.get("user", {})
        context = {"cluster": "here", "user": name, "namespace": changes.get("namespace", "default")}
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": {key: one for key, one in cluster.items() if one is not None}}],
            "users": [{"name": name, "user": {key: one for key, one in user.items() if one is not None}}],
            "contexts": [{"name": name, "context": context}],
            "current-context": name,
        }
        file = f"{name}-{abs(hash(json.dumps(changes)))}" if changes else name
        return self._room.write(f"{file}.kubeconfig", json.dumps(whole))

    def _etcd(self) -> None:
        self._room.start(
            *("etcd", "etcd", f"--data-dir={HOME}/etcd", "--unsafe-no-fsync", "--log-level=warn"),
            *("--listen-peer-urls=http://127.0.0.1:2380", f"--listen-client-urls={_ETCD}"),
            f"--advertise-client-urls={_ETCD}",
        )

    def _api_server(self, controllers: bool) -> None:
        rows = [f"{token},{name},{name}" for name, token in self._tokens.items()]
        rows[0] += ",system:masters"
        tokens = self._room.write("tokens.csv", "\n".join(rows) + "\n")
        key, public = f"{HOME}/accounts.key", f"{HOME}/accounts.pub"
        self._room.machine.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        self._room.machine.run("openssl", "ec", "-in", key, "-pubout", "-out", public)
        without = () if controllers else (f"--disable-admission-plugins={','.join(_LEANING)}",)
        self._room.start(
            *("kube-apiserver", "kube-apiserver", f"--etcd-servers={_ETCD}", f"--cert-dir={_CERTIFICATES}"),
            *("--secure-port=6443", f"--advertise-address={ADDRESS}", f"--token-auth-file={tokens}"),
            *("--authorization-mode=Node,RBAC", "--allow-privileged", f"--service-cluster-ip-range={_SERVICES}"),
            *(f"--service-account-key-file={public}", f"--service-account-signing-key-file={key}"),
            *("--service-account-issuer=https://kubernetes.default.svc", "--profiling=false"),
            *("--kubelet-preferred-address-types=InternalIP", "--shutdown-delay-duration=0s", *without),
        )
        self._room.until("kube-apiserver", self._ready)

    def _ready(self) -> bool:
        try:
            # The hooks that make the first namespaces and roles have run when it says so.
            return self.api.get("/readyz") == {"text": "ok"} and bool(self.api.get("/api/v1/namespaces/default"))
        except (OSError, Refused):
            return False

    def _controllers(self) -> None:
        mine = self.kubeconfig()
        login = (f"--kubeconfig={mine}", f"--authentication-kubeconfig={mine}", f"--authorization-kubeconfig={mine}")
        pace = ("--kube-api-qps=500", "--kube-api-burst=1000", "--leader-elect=false")
        self._room.start(
            *("kube-controller-manager", "kube-controller-manager", *login, *pace),
            *(f"--service-account-private-key-file={HOME}/accounts.key", "--use-service-account-credentials"),
            *(f"--cert-dir={HOME}/controllers", f"--cluster-cidr={_PODS}"),
        )
        self._room.start("kube-scheduler", "kube-scheduler", *login, *pace, f"--cert-dir={HOME}/scheduler")
