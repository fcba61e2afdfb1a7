"""Why a request is not served: one exception for the API and the page, in the form of OpenAI's errors."""

from __future__ import annotations

from typing import Any, Protocol

from deploy_kit.messages import Catalogue

_STATUS = {
    "invalid_api_key": (401, "authentication_error"),
    "model_not_found": (404, "invalid_request_error"),
    "not_found": (404, "invalid_request_error"),
    "method_not_allowed": (405, "invalid_request_error"),
    "body_too_large": (413, "invalid_request_error"),
    "unsupported_media_type": (415, "invalid_request_error"),
    "unsupported_encoding": (415, "invalid_request_error"),
    "queue_full": (429, "rate_limit_error"),
    "internal": (500, "server_error"),
    "synthesis_failed": (500, "server_error"),
    "too_busy": (503, "server_error"),
    "not_ready": (503, "server_error"),
    "draining": (503, "server_error"),
    "model_fetched": (503, "server_error"),
    "model_not_ready": (503, "server_error"),
    "model_failed": (503, "server_error"),
    "model_refused": (503, "server_error"),
    "unlicensed": (503, "server_error"),
    "no_clip": (503, "server_error"),
    "out_of_memory": (503, "server_error"),
    "worker_lost": (503, "server_error"),
    "deadline": (504, "server_error"),
    "no_space": (507, "server_error"),
}
_RETRY_SECONDS = {
    "queue_full": 2, "too_busy": 2, "not_ready": 1, "draining": 5, "worker_lost": 1, "no_clip": 5, "out_of_memory": 30,
}  # fmt: skip


class Told(Protocol):
    """A trouble that has a sentence (`tts_server.engines.status.Trouble`)."""

    def sentence(self, locale: str) -> str: ...


class Refusal(Exception):
    """A request that is answered with an error.

    Args:
        code: Stable name; the sentence is ``server.error.<code>`` in the catalogue. Codes that are not in the table of
            states are faults of the request: 400.
        param: The field that is at fault.
        trouble: What lies behind it; its sentence fills the placeholder ``reason``.
        args: Values of the sentence's placeholders; never the user's text.

    Attributes:
        retry_seconds: When to ask again, where the code alone does not say.
        more: What stands in the answer beside the error.
    """

    def __init__(self, code: str, param: str | None = None, trouble: Told | None = None, **args: object) -> None:
        super().__init__(code)
        self.code = code
        self.param = param
        self.values = args
        self.retry_seconds = _RETRY_SECONDS.get(code)
        self.more: dict[str, Any] = {}
        self._trouble = trouble

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, (400, ""))[0]

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` for what passes by itself; what a client needs to log in, or to choose a method."""
        headers = {} if self.retry_seconds is None else {"retry-after": str(self.retry_seconds)}
        if self.code == "invalid_api_key":
            headers["www-authenticate"] = "Bearer"
        if self.code == "method_not_allowed":
            headers["allow"] = str(self.values["allowed"])
        return headers

    def sentence(self, locale: str) -> str:
        """What happened and what to do, in one language."""
        behind = {} if self._trouble is None else {"reason": self._trouble.sentence(locale)}
        return Catalogue(locale).text(f"server.error.{self.code}", self.values | behind)

    def document(self, locale: str) -> dict[str, Any]:
        """The OpenAI error object."""
        kind = _STATUS.get(self.code, (400, "invalid_request_error"))[1]
        error = {"message": self.sentence(locale), "type": kind, "param": self.param, "code": self.code}
        return {"error": error} | self.more
