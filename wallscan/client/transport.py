"""Requests that survive a restart of the server: retries, problem documents, time limits."""

import random
import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import ValidationError

import wallscan
from wallscan.client.errors import ApiError, InputError, UnreachableError
from wallscan.domain.codes import Code
from wallscan.wire.common import Problem

_PAUSES_S = (0.25, 0.5, 1.0, 2.0, 4.0)
_MAX_PAUSE_S = 30.0
_UNDER_WAY_S = 330.0
"""A little longer than the server holds the key of a POST whose first try has died."""
_BUSY = frozenset({429, 502, 503, 504})
_PASSING = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
_CONNECTIONS = 32

ROUND_PAUSES_S = (0.0, 1.0, 3.0, 9.0)
"""Before each try to send files: addresses run out, storage restarts, and announcing again gives new ones."""

DIRECT: Mapping[str, None] = {"all://127.0.0.1": None, "all://localhost": None}
"""Mounts for every client of ours: a proxy of the environment cannot reach this machine's own stack."""


class Transport:
    """A pool of connections to one server, safe to use from many threads.

    Every request may be sent again: GET by nature, POST because it carries an `Idempotency-Key`.
    """

    def __init__(self, base_url: str, api_key: str, timeout_s: float = 30.0) -> None:
        """Raises InputError `request_invalid` where `base_url` cannot be an address."""
        self.base_url = base_url
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            base_url=_address(base_url),
            headers={"Authorization": f"Bearer {api_key}", "User-Agent": f"wallscan/{wallscan.__version__}"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            mounts=DIRECT,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, wait_s: float = 0.0
    ) -> httpx.Response:
        """A successful answer; `wait_s` is how much longer than usual the server may take.

        Raises ApiError, or UnreachableError `api_unreachable`.
        """
        timeout_s = self._timeout_s + wait_s
        return self._send(self._http.build_request("GET", path, params=params, timeout=timeout_s))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """A successful answer to a JSON body. Raises ApiError, or UnreachableError `api_unreachable`."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._send(self._http.build_request("POST", path, json=body, headers=headers))

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return _checked(self._answer(request))
        except httpx.TransportError as error:
            raise UnreachableError(
                Code.API_UNREACHABLE, f"no answer from {self.base_url}: {error or type(error).__name__}"
            ) from error

    def _answer(self, request: httpx.Request) -> httpx.Response:
        for pause_s in _PAUSES_S:
            try:
                response = self._settled(request)
            except _PASSING:
                time.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads clients, no secret
                continue
            if response.status_code not in _BUSY:
                return response
            time.sleep(_asked_pause_s(response, pause_s))
        return self._settled(request)

    def _settled(self, request: httpx.Request) -> httpx.Response:
        """The answer once the first try of the same POST, cut off on its way, has ended or is given up."""
        give_up = time.monotonic() + _UNDER_WAY_S
        response = self._http.send(request)
        while _is_under_way(response) and time.monotonic() < give_up:
            time.sleep(_asked_pause_s(response, _PAUSES_S[-1]))
            response = self._http.send(request)
        return response


def _address(base_url: str) -> httpx.URL:
    """Raises InputError `request_invalid` for what cannot be one."""
    try:
        url = httpx.URL(base_url)
        url.host.encode("idna")  # as connecting does, which does not expect a refusal
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InputError(Code.REQUEST_INVALID, f"{base_url!r} is no address of a server: {error}") from error
    return url


def _is_under_way(response: httpx.Response) -> bool:
    return response.status_code == httpx.codes.CONFLICT and "Retry-After" in response.headers


def _asked_pause_s(response: httpx.Response, pause_s: float) -> float:
    """The server's `Retry-After` in seconds; the usual pause where it names none or a date."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), _MAX_PAUSE_S) if asked.isdecimal() else pause_s


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = Problem.model_validate_json(response.content, extra="ignore")
    except ValidationError:
        text = f"{response.request.url} answered {response.status_code} without saying why"
        raise ApiError(Code.INTERNAL_ERROR, text, response.status_code) from None
    fields = "; ".join(f"{error.field}: {error.message}" for error in problem.errors[:3])
    raise ApiError(problem.code, f"{problem.detail} ({fields})" if fields else problem.detail, problem.status)
