import re
import uuid

import pytest
from typer.testing import CliRunner

from api.keys import app as command
from tests.api.calling import Api, problem
from wallscan.domain.codes import Code


@pytest.fixture
def run(database_url):
    def invoke(*arguments):
        return CliRunner().invoke(command, arguments, env={"DATABASE_URL": database_url})

    return invoke


def test_a_key_is_printed_once_and_works(run, nobody):
    made = run("create", "--name", "site office", "--scope", "read", "--scope", "write", "--expires", "30")
    assert (made.exit_code, made.stderr) == (0, "")
    key = made.stdout.strip()
    assert re.fullmatch(r"wsk_[0-9a-f]{12}_[\w-]{43}", key)
    assert Api(nobody, key).site()
    listed = run("list").stdout
    prefix, secret = key.split("_", 2)[1:]
    assert re.fullmatch(rf"{prefix}\tvalid until [\d-]+\tread,write\tall sites\tsite office\n", listed)
    assert secret not in listed
    assert run("revoke", prefix).exit_code == 0
    problem(Api(nobody, key).get("/v1/sites"), 401, Code.KEY_INVALID)
    assert "\trevoked\t" in run("list").stdout
    assert run("revoke", prefix).exit_code == 1


def test_a_key_for_one_site(run, api, nobody):
    site = api.site()
    key = run("create", "--name", "n", "--scope", "read", "--site", site).stdout.strip()
    api.site("another")
    assert [one["id"] for one in Api(nobody, key).read("/v1/sites")["items"]] == [site]


@pytest.mark.parametrize(
    "options",
    [
        ["--scope", "all"],
        [],
        ["--scope", "read", "--expires", "0"],
        ["--scope", "admin", "--site", str(uuid.uuid4())],
    ],
)
def test_usage_errors(run, options):
    assert run("create", "--name", "n", *options).exit_code == 2


def test_a_site_that_is_not_there(run):
    failed = run("create", "--name", "n", "--scope", "read", "--site", str(uuid.uuid4()))
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert Code.SITE_UNKNOWN in failed.stderr
