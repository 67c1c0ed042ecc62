"""A caller of the API, and the short ways to what most tests begin with."""

import hashlib
import io
from typing import Any

import httpx
from starlette.testclient import TestClient

from wallscan.domain.codes import Code


class Api:
    """Calls with a key; answers JSON of calls that must succeed."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = key

    def request(self, method: str, path: str, **options: Any):
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any):
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any):
        return self.request("POST", path, **options)

    def read(self, path: str, **params: Any) -> Any:
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, path: str, body: Any) -> Any:
        answer = self.post(path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def site(self, name: str = "Haus 7") -> Any:
        return self.make("/v1/sites", {"name": name})["id"]

    def inspection(self, site_id: str | None = None) -> Any:
        return self.make(f"/v1/sites/{site_id or self.site()}/inspections", {})["id"]

    def announce(self, inspection_id: str, *files: dict[str, Any]) -> Any:
        return self.make(f"/v1/inspections/{inspection_id}/uploads", {"files": list(files)})["files"]

    def upload(self, inspection_id: str, *files: tuple[str, bytes], wall: str | None = None) -> Any:
        parts = [("files", (name, io.BytesIO(data), "image/jpeg")) for name, data in files]
        answer = self.post(
            f"/v1/inspections/{inspection_id}/photos", files=parts, data={"wall": wall} if wall else {}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["files"]


def entry(path: str, data: bytes = b"picture", **more: Any) -> dict[str, Any]:
    """A line of a manifest."""
    return {"path": path, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), **more}


def put(outcome: dict[str, Any], data: bytes) -> httpx.Response:
    """Upload bytes to the address of an outcome."""
    return httpx.put(outcome["target"]["url"], content=data, headers=outcome["target"]["headers"])


def problem(answer: Any, status: int, code: Code) -> Any:
    """The problem of a refused call."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    return body
