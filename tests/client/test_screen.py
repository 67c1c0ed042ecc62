import io
import uuid

import pytest
from rich.console import Console

from tests.client.reports import photo_row, report, wall_row
from wallscan.client.errors import (
    ApiError,
    InputError,
    OutputError,
    ScratchError,
    SourceError,
    UnreachableError,
)
from wallscan.client.exits import exit_code
from wallscan.client.meter import meter
from wallscan.client.scan import Folder
from wallscan.client.screen import Screen, listing, plain, show_folder, show_outcome, show_report
from wallscan.client.upload import Refusal
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, PromptError


@pytest.fixture
def screen():
    return Screen(Console(file=io.StringIO(), width=140), Console(file=io.StringIO(), width=140))


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_wall_has_a_line_with_its_coverage_for_each_prompt(screen):
    walls = [
        wall_row(
            "lobby",
            "crack",
            photos=4,
            photos_counted=3,
            photos_failed=1,
            photos_with_finding=2,
            coverage_pct=1.234,
        ),
        wall_row("lobby", "drywall joint", photos=4, photos_counted=3, photos_failed=1, coverage_pct=0.0),
        wall_row("stairs", "crack", photos=1, photos_failed=1),
        wall_row("stairs", "drywall joint", photos=1, photos_failed=1),
    ]
    assert show_outcome(screen, report([], walls)) == 0
    lines = {
        line.split("│")[1].strip(): line for line in printed(screen.out).splitlines() if line.startswith("│")
    }
    cells = [cell.strip() for cell in lines["lobby"].split("│")[1:-1]]
    assert cells == ["lobby", "4", "3", "1", "1.23", "2/3", "0.00", "0/3"]
    assert [cell.strip() for cell in lines["stairs"].split("│")[1:-1]][4:] == ["-"] * 4


def test_failures_are_listed_once_a_photo_wherever_they_were_found(screen):
    rows = [
        photo_row("w/good.jpg", mask_sha256="0"),
        photo_row("w/twin.jpg", status="duplicate", mask_sha256="0"),
        photo_row("w/bad twin.jpg", status="duplicate", code="photo_corrupt"),
        *(
            photo_row("w/bad.jpg", prompt, status="failed", code="photo_corrupt", detail="x")
            for prompt in "ab"
        ),
        photo_row("w/late.jpg", status="not_uploaded"),
    ]
    local = [Refusal("w/gone.jpg", "file_unreadable", "y"), Refusal("w/late.jpg", "file_changed", "z")]
    assert show_outcome(screen, report(rows), local) == 3
    out = printed(screen.out)
    assert "4 photos could not be analysed" in out
    assert out.count("w/bad.jpg") == out.count("w/late.jpg") == out.count("w/gone.jpg") == 1
    assert "good.jpg" not in out
    assert "w/twin.jpg" not in out
    assert "w/bad twin.jpg" in out


def test_a_failure_is_listed_once_however_its_path_is_spelt(screen):
    rows = [photo_row("Gr\u00f6\u00dfe/1.jpg", status="not_uploaded")]
    assert show_outcome(screen, report(rows), [Refusal("Gro\u0308\u00dfe/1.jpg", "file_changed", "z")]) == 3
    assert "1 photos could not be analysed" in printed(screen.out)


def test_what_a_run_under_way_has_not_come_to_is_no_failure(screen):
    rows = [
        photo_row("w/done.jpg", mask_sha256="0"),
        *(photo_row("w/1.jpg", prompt, status="queued") for prompt in ("crack", "drywall joint")),
        photo_row("w/2.jpg", status="running"),
        photo_row("w/copy of 1.jpg", status="duplicate", duplicate_of="w/1.jpg"),
        photo_row("w/new.jpg", status="not_in_run"),
    ]
    assert show_outcome(screen, report(rows)) == 0
    assert printed(screen.out).endswith("3 photos still wait, 1 were handed in later\n")
    assert "could not be analysed" not in printed(screen.out)
    assert show_outcome(screen, report([*rows, photo_row("w/3.jpg", status="cancelled")])) == 3
    assert "1 photos could not be analysed" in printed(screen.out)


def test_a_copy_of_another_wall_s_photo_waits_with_its_run(screen):
    found = report([photo_row("w/copy.jpg", status="duplicate", duplicate_of="v/1.jpg")])
    under_way = found.model_copy(update={"run": found.run.model_copy(update={"state": "running"})})
    assert show_outcome(screen, under_way) == 0
    assert "1 photos still wait" in printed(screen.out)
    assert show_outcome(screen, found) == 3


def test_folders_that_cannot_be_looked_into_are_told(screen):
    show_folder(screen, Folder(unreadable=["b", "c/d"]))
    assert printed(screen.err) == "0 photos found\n  cannot be looked into: b\n  cannot be looked into: c/d\n"


def test_nothing_is_cut_off_in_a_narrow_terminal():
    console = Console(file=io.StringIO(), width=80)
    names, id_ = ["CIDAS/clipseg-rd64-refined", "decoder", "failed [training_photos_missing]"], uuid.uuid4()
    table = listing("Name", "Recipe", "State", "Done", "Ordered", "Id")
    table.add_row(*map(plain, names), "100 %", "2026-05-04 12:00", str(id_))
    console.print(table)
    lines = [line.split("│")[1:-1] for line in printed(console).splitlines() if line.startswith("│")]
    cells = ["".join(cell.strip() for cell in column) for column in zip(*lines, strict=True)]
    assert str(id_) in printed(console)
    assert [cell.replace(" ", "") for cell in cells[:3]] == [name.replace(" ", "") for name in names]


def test_a_photo_that_failed_is_named_in_full_in_a_narrow_terminal():
    console, path = Console(file=io.StringIO(), width=80), "w" * 60 + "/" + "1" * 30 + ".jpg"
    row = photo_row(path, status="failed", code="photo_too_many_pixels", detail="y" * 50)
    show_outcome(Screen(console, console), report([row]))
    assert "…" not in printed(console)


def test_a_run_that_failed_as_a_whole_is_the_systems_failure(screen):
    failed = report([photo_row("w/a.jpg", status="failed", code="bundle_unloadable")])
    run = failed.run.model_copy(update={"state": "failed"})
    assert show_outcome(screen, failed.model_copy(update={"run": run})) == 1


def test_prompts_that_the_model_was_not_fitted_for_are_named_beside_the_numbers(screen):
    known = report([], [wall_row("lobby", "crack")])
    show_report(screen, known)
    assert "No gate" not in printed(screen.out)
    run = known.run.model_copy(update={"unfamiliar_prompts": ["fissure", "tape [1]"]})
    show_report(screen, known.model_copy(update={"run": run}))
    assert 'No gate or threshold was fitted for "fissure", "tape [1]":' in printed(screen.out)


def test_names_cannot_paint_or_command_the_terminal(screen):
    screen.say("[red]a[/red]\x1b[2J\x07.jpg")
    assert printed(screen.err) == "[red]a[/red]\\x1b[2J\\x07.jpg\n"
    assert str(plain("ü 壁 №\u202e")) == "ü 壁 №\\u202e"


def test_progress_is_a_line_a_tenth_where_there_is_no_terminal(screen):
    with meter(screen.err, "Upload", 1000, "bytes") as progress:
        for _ in range(100):
            progress.advance(10, things=1)
    lines = printed(screen.err).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "Upload: 1.0 kB of 1.0 kB"


def test_progress_is_a_bar_on_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with meter(console, "Upload", 10, "items") as progress:
        progress.advance(4, things=2)
        progress.reach(10)
    assert "10/10 items" in printed(console)
    assert "2 photos" in printed(console)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiError("run_unknown", "x", 404), 2),
        (ApiError("internal_error", "x", 500), 1),
        (PromptError(Code.PROMPT_EMPTY, "x"), 2),
        (InputError(Code.FOLDER_WITHOUT_PHOTOS, "x"), 2),
        (BundleError(Code.BUNDLE_FILE_MISSING, "x"), 2),
        (SourceError(Code.MODEL_SOURCE_UNKNOWN, "x"), 2),
        (SourceError(Code.HUB_UNREACHABLE, "x"), 1),
        (UnreachableError(Code.API_UNREACHABLE, "x"), 1),
        (OutputError(Code.OUTPUT_UNWRITABLE, "x"), 2),
        (ScratchError(Code.OUTPUT_UNWRITABLE, "x"), 1),
    ],
)
def test_the_exit_code_says_who_can_help(error, code):
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("basis", "told"),
    [
        ("photographed area", "% of photographed area"),
        ("wall area", "% of wall area"),
        ("mixed", "% of photographed and wall area"),
    ],
)
def test_the_table_tells_what_coverage_is_a_share_of(screen, basis, told):
    show_outcome(screen, report([], [wall_row("lobby", "crack", coverage_pct=1.0)], basis=basis))
    assert f"{told}; model wallscan/starter" in printed(screen.out)
