"""Why a request is not served: one exception for the API and the page, in the form of OpenAI's errors."""

from __future__ import annotations

from typing import Any

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
    "too_busy": (503, "server_error"),
    "not_ready": (503, "server_error"),
    "draining": (503, "server_error"),
    "worker_lost": (503, "server_error"),
    "deadline": (504, "server_error"),
    "no_space": (507, "server_error"),
}
_RETRY_SECONDS = {"queue_full": 2, "too_busy": 2, "not_ready": 1, "draining": 5, "worker_lost": 1}


class Refusal(Exception):
    """A request that is answered with an error.

    Args:
        code: Stable name; the sentence is ``server.error.<code>`` in the catalogue. Codes that are not in the table of
            states are faults of the request: 400.
        param: The field that is at fault.
        args: Values of the sentence's placeholders; never the user's text.
    """

    def __init__(self, code: str, param: str | None = None, **args: object) -> None:
        super().__init__(code)
        self.code = code
        self.param = param
        self.values = args

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, (400, ""))[0]

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` for what passes by itself; what a client needs to log in, or to choose a method."""
        headers = {"retry-after": str(_RETRY_SECONDS[self.code])} if self.code in _RETRY_SECONDS else {}
        if self.code == "invalid_api_key":
            headers["www-authenticate"] = "Bearer"
        if self.code == "method_not_allowed":
            headers["allow"] = str(self.values["allowed"])
        return headers

    def sentence(self, locale: str) -> str:
        """What happened and what to do, in one language."""
        return Catalogue(locale).text(f"server.error.{self.code}", self.values)

    def document(self, locale: str) -> dict[str, Any]:
        """The OpenAI error object."""
        kind = _STATUS.get(self.code, (400, "invalid_request_error"))[1]
        error = {"message": self.sentence(locale), "type": kind, "param": self.param, "code": self.code}
        return {"error": error}
