"""What a person does while a run is followed, against the real API."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.records.given import given_model, given_run
from wallscan.client import flow
from wallscan.client.errors import InputError, UnreachableError
from wallscan.client.exits import INTERRUPTED, SYSTEM_FAILED
from wallscan.client.http import Client
from wallscan.client.main import app
from wallscan.client.screen import Screen
from wallscan.client.upload import Uploader
from wallscan.domain.codes import Code
from wallscan.records import runs
from wallscan.records.session import transaction


@pytest.fixture
def told(monkeypatch, client, engine):
    """What is said where Ctrl-C comes; told after the run was asked to stop by somebody else or not."""

    def interrupted(*, ended: bool) -> str:
        order = given_run(engine)
        if ended:
            with transaction(engine) as session:
                runs.cancel(session, order.run_id)

        def watch(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(Client, "watch", watch)
        heard = io.StringIO()
        screen = Screen(Console(file=io.StringIO()), Console(file=heard, width=200))
        with pytest.raises(KeyboardInterrupt):
            flow.followed(client, client.run(order.run_id), screen)
        return heard.getvalue()

    return interrupted


def test_ctrl_c_stops_the_run_and_says_what_is_kept(told):
    assert "is asked to stop. 0 of 2 results are there and kept" in told(ended=False)


def test_ctrl_c_as_the_run_ends_is_still_ctrl_c(told):
    assert "was not stopped" in told(ended=True)


def chosen(client, site: str, wanted: str | None):
    return flow.chosen_inspection(client, site, wanted)


def test_an_inspection_is_found_again_however_its_name_is_spelt(client):
    first = chosen(client, "Gr\u00f6\u00dfe", "M\u00e4rz 1")
    assert chosen(client, " Gro\u0308\u00dfe ", "Ma\u0308rz  1").id == first.id
    assert chosen(client, "Gr\u00f6\u00dfe", str(first.id).upper()).id == first.id


def test_another_site_s_inspection_is_not_opened_anew(client):
    elsewhere = chosen(client, "elsewhere", "May")
    with pytest.raises(InputError, match="inspection_unknown"):
        chosen(client, "here", str(elsewhere.id))


@pytest.mark.parametrize("name", ["", "Stra\udcdfe", "x" * 201])
def test_a_name_that_cannot_be_one_is_told(client, name):
    for site, inspection in ((name, None), ("site", name)):
        with pytest.raises(InputError, match="request_invalid"):
            chosen(client, site, inspection)


@pytest.mark.parametrize("command", ["inspect", "upload"])
def test_a_model_that_is_not_there_is_told_before_anything_is_sent(
    api_url, key, client, engine, tmp_path, monkeypatch, command
):
    monkeypatch.setenv("WALLSCAN_URL", api_url)
    monkeypatch.setenv("WALLSCAN_API_KEY", key)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 a photo")
    told = CliRunner().invoke(app, [command, str(tmp_path / "photos"), "--model", "house/nothing"])
    assert told.exit_code == 2
    assert "[model_unknown]" in told.output
    assert client.site("photos") is None


def test_a_model_is_found_by_what_is_shown_of_it(client, engine):
    older = given_model(engine, digest="a" * 20 + "b" * 44)
    newer = given_model(engine)
    for wanted in (str(older).upper(), "A" * 20 + "b" * 44, "a" * 12):
        assert flow.found_model(client, wanted).id == older
    assert flow.found_model(client, "a-model").id == newer
    with pytest.raises(InputError):
        flow.found_model(client, "a" * 7)


@pytest.mark.parametrize("command", ["inspect", "upload"])
@pytest.mark.parametrize(
    ("cut_off", "status"),
    [(KeyboardInterrupt(), INTERRUPTED), (UnreachableError(Code.API_UNREACHABLE, "gone"), SYSTEM_FAILED)],
)
def test_an_upload_that_is_cut_off_says_how_it_goes_on(
    api_url, key, client, store, tmp_path, monkeypatch, command, cut_off, status
):
    monkeypatch.setenv("WALLSCAN_URL", api_url)
    monkeypatch.setenv("WALLSCAN_API_KEY", key)
    photos = tmp_path / "12 Mill Lane"
    photos.mkdir()
    for number in range(2):
        (photos / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 a photo" + bytes([number]))
    plain, put = Uploader.send, []

    def cut(self, files):
        plain(self, files[:1])
        raise cut_off

    monkeypatch.setattr(Uploader, "send", cut)
    told = CliRunner().invoke(app, [command, str(photos)])
    site = client.site("12 Mill Lane")
    (visit,) = client.inspections(site.id)
    assert told.exit_code == status, told.output
    assert f"Inspection {visit.name} ({visit.id})\n" in told.stderr
    assert f"--site '12 Mill Lane' --inspection {visit.id} goes on" in told.stderr

    def counted(self, file, target):
        put.append(file.found.path)
        return original(self, file, target)

    original = Uploader._put
    monkeypatch.setattr(Uploader, "_put", counted)
    monkeypatch.setattr(Uploader, "send", plain)
    again = ["upload", str(photos), "--site", "12 Mill Lane", "--inspection", str(visit.id)]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert put == ["1.jpg"]
    assert len(list(client.inspections(site.id))) == 1
