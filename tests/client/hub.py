"""A server on the loopback address that speaks as much of the hub's API as a download needs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.client.loopback import Answer, Asked, serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving_hub(repository: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """The address for HF_ENDPOINT, and the files that were handed out so far."""
    handed_out: list[str] = []

    def respond(asked: Asked) -> Answer:
        path = asked.path.partition("?")[0]
        if path.startswith(f"/api/models/{repository}/tree/"):
            return _json(
                [
                    {"type": "file", "path": name, "size": len(data), "oid": _oid(data)}
                    for name, data in files.items()
                ]
            )
        if path.startswith(f"/api/models/{repository}"):
            return _json(_facts(repository, files))
        name = path.rpartition("/")[2]
        if path.startswith(f"/{repository}/resolve/") and name in files:
            if asked.method == "GET":
                handed_out.append(name)
            return Answer(
                body=files[name], headers={"ETag": f'"{_oid(files[name])}"', "X-Repo-Commit": COMMIT}
            )
        return Answer(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})

    with serving(respond) as url:
        yield url, handed_out


def _facts(repository: str, files: Mapping[str, bytes]) -> dict[str, object]:
    return {
        "id": repository,
        "modelId": repository,
        "sha": COMMIT,
        "private": False,
        "siblings": [{"rfilename": name} for name in files],
    }


def _json(value: object) -> Answer:
    return Answer(body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
