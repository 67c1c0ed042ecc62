"""SeaweedFS as a child: the object storage."""

import json
import os
from collections.abc import Mapping
from functools import partial

from pydantic import SecretStr

from wallscan.local import binaries
from wallscan.local.accounts import make_folder
from wallscan.local.data import DataFolder, write_private
from wallscan.local.group import Program
from wallscan.local.probes import http_answers
from wallscan.local.supervisor import Child
from wallscan.storage import S3Settings

PORTS = ("s3", "master", "volume", "filer", "admin")  # each listens for gRPC 10,000 higher, too


def settings(data: DataFolder, port: int) -> S3Settings:
    """How to reach the bucket."""
    return S3Settings(
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        s3_public_endpoint_url=None,
        s3_bucket="wallscan",
        s3_region="us-east-1",
        aws_access_key_id=data.secrets.s3_access_key,
        aws_secret_access_key=SecretStr(data.secrets.s3_secret_key),
    )


def child(data: DataFolder, ports: Mapping[str, int]) -> Child:
    """The server; `ports` has one for each of PORTS. Raises LocalError `server_binary_missing`."""
    program = binaries.weed()
    home = make_folder(data.path / "seaweedfs", 0o700)
    identities = data.path / "seaweedfs.json"
    write_private(identities, _identities(data))
    # It writes its options down at the first start and would prefer them to new ports later.
    (home / "mini.options").unlink(missing_ok=True)
    options = {
        "dir": ".",  # where it runs: a comma in the folder's own path would be taken for several folders
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        **{f"{part}.port": ports[part] for part in PORTS},
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": identities,
        "s3.autoCreateBucket": "false",
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 1024,
        "volume.max": 10000,  # files that grow as needed: the disk is the limit
        "volume.preStopSeconds": 0,  # a grace for clusters; there is one server
    }
    return Child(
        name="seaweedfs",
        program=Program(
            [str(program), "mini", *(f"-{name}={value}" for name, value in options.items())],
            # It takes 120 MiB at rest: at a limit of 150 its collector burnt a tenth of a core for nothing.
            {**os.environ, "GOMEMLIMIT": "400MiB"},
            home,
            log=data.log("seaweedfs"),
        ),
        answers=partial(http_answers, ports["s3"], "/healthz"),
    )


def _identities(data: DataFolder) -> str:
    key = {"accessKey": data.secrets.s3_access_key, "secretKey": data.secrets.s3_secret_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "wallscan", "credentials": [key], "actions": actions}]})
