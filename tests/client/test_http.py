import datetime as dt
import uuid

import pytest

from tests.client.loopback import Answer, serving
from wallscan.client import http
from wallscan.client.errors import ApiError, InputError, UnreachableError
from wallscan.client.http import Client
from wallscan.domain.lifecycle import ModelState
from wallscan.wire.models import Model


def test_a_site_is_made_once(client):
    first = client.make_site("12 Mill Lane & <b>")
    assert client.make_site("12 Mill Lane & <b>") == first
    assert client.site("12 Mill Lane & <b>") == first
    assert client.site("nowhere") is None


def test_listings_are_read_to_their_end(client, monkeypatch):
    monkeypatch.setattr(http, "_PAGE", 2)
    site = client.make_site("site")
    made = {client.open_inspection(site.id, f"visit {number}").name for number in range(5)}
    assert {inspection.name for inspection in client.inspections(site.id)} == made


def test_an_inspection_has_a_name_of_its_own(client):
    site = client.make_site("site")
    opened = client.open_inspection(site.id)
    assert opened.name
    assert list(client.inspections(site.id)) == [opened]


def test_what_is_not_there_has_its_code(client):
    for call, code in (
        (lambda: list(client.inspections(uuid.uuid4())), "site_unknown"),
        (lambda: client.run(uuid.uuid4()), "run_unknown"),
        (lambda: client.activate_model(uuid.uuid4()), "model_unknown"),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert (caught.value.code, caught.value.status) == (code, 404)


def test_a_wrong_key_is_refused(api_url):
    with Client(api_url, "wrong") as stranger, pytest.raises(ApiError) as caught:
        stranger.make_site("site")
    assert (caught.value.code, caught.value.status) == ("key_invalid", 401)


def test_a_trailing_slash_of_the_address_does_no_harm(api_url, key):
    with Client(f"{api_url}/", key) as client:
        assert client.make_site("site").name == "site"


def test_a_clock_that_is_set_does_not_cut_the_wait_for_a_model_short(monkeypatch):
    facts = dict.fromkeys(Model.model_fields) | {"id": uuid.uuid4(), "name": "m", "digest": "0" * 64}
    facts |= {"state": ModelState.CHECKING, "active": False, "manifest": {}}
    model = Model(**facts | {"created_at": dt.datetime(2026, 5, 4, tzinfo=dt.UTC)})
    answers = iter([model, model.model_copy(update={"state": ModelState.READY})])

    class Leaping(dt.datetime):
        days = 0

        @classmethod
        def now(cls, tz=None):
            cls.days += 1
            return dt.datetime(2026, 5, 4, tzinfo=tz) + dt.timedelta(days=cls.days)

    monkeypatch.setattr("datetime.datetime", Leaping)
    monkeypatch.setattr(http, "_MODEL_PAUSE_S", 0)
    monkeypatch.setattr(Client, "_post", lambda *_: model)
    monkeypatch.setattr(Client, "model", lambda *_: next(answers))
    with Client("http://127.0.0.1:1", "key") as client:
        assert client.checked_model(model.id).state is ModelState.READY


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[]", b'{"items": [{"name": "no id"}]}', b""])
def test_another_server_at_the_address_is_told(body):
    with serving(lambda _: Answer(body=body)) as url, Client(url, "key") as client:
        for call in (lambda: client.site("here"), lambda: client.open_inspection(uuid.uuid4())):
            with pytest.raises(UnreachableError, match="not as a wallscan API") as refused:
                call()
            assert url in refused.value.detail


def test_what_a_newer_server_tells_besides_is_passed_over():
    site = b'{"id": "%s", "name": "here", "created_at": "2026-05-04T00:00:00Z", "storeys": 3}'
    body = b'{"items": [%s], "total": 1}' % (site % str(uuid.UUID(int=1)).encode())
    with serving(lambda _: Answer(body=body)) as url, Client(url, "key") as client:
        found = client.site("here")
    assert found is not None
    assert found.id == uuid.UUID(int=1)


@pytest.mark.parametrize(
    "url", ["http://localhost:port", "http://[::1", "http://\u2026", "http://" + "a" * 64]
)
def test_what_cannot_be_an_address_is_told(url):
    with pytest.raises(InputError, match="is no address of a server"):
        Client(url, "key")
