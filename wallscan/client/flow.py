"""The steps that commands are made of: find the inspection, send the photos, follow a run, write a report."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from wallscan.client.download import fetch_masks, fetch_overlays
from wallscan.client.errors import ApiError, InputError, UnreachableError
from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.output import Output
from wallscan.client.scan import Folder, scan
from wallscan.client.screen import Screen, show_folder, show_unfamiliar
from wallscan.client.upload import Refusal, Sent, Uploader, total_bytes
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import RunState
from wallscan.domain.names import normal_name
from wallscan.models.manifest import unfamiliar
from wallscan.wire.models import Model
from wallscan.wire.places import Inspection
from wallscan.wire.report import Report
from wallscan.wire.runs import Run


def scanned(root: Path, screen: Screen) -> Folder:
    """The folder's photos, told to the person. Raises InputError `folder_without_photos`."""
    folder = scan(root)
    show_folder(screen, folder)
    if not folder.found:
        raise InputError(Code.FOLDER_WITHOUT_PHOTOS, f"no photos in {root}")
    return folder


def chosen_inspection(client: Client, site_name: str, wanted: str | None) -> Inspection:
    """A new inspection of the site, or the one of the site that `wanted` names or identifies.

    Raises InputError: `request_invalid` for a name that cannot be one, `inspection_unknown` for an id that is
    none of the site's.
    """
    name = None if wanted is None else _name(wanted)
    site = client.make_site(_name(site_name))
    if name is None:
        return client.open_inspection(site.id)
    for inspection in client.inspections(site.id):
        if name == inspection.name or name.lower() == str(inspection.id):
            return inspection
    if _is_id(name):
        # Photos of one site would end up in a new inspection of another, named by an id.
        detail = f"the site {site.name!r} has no inspection {name}; say which has with --site"
        raise InputError(Code.INSPECTION_UNKNOWN, detail)
    return client.open_inspection(site.id, name)


def _name(raw: str) -> str:
    """As the server spells it: another spelling would not be found again."""
    try:
        return normal_name(raw)
    except WallscanError as error:
        raise InputError(error.code, error.detail) from error


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False


def found_model(client: Client, wanted: str) -> Model:
    """A version by id, digest or its first 8 digits or more, or name: the newest where a name has several.

    Raises InputError `model_unknown`.
    """
    plain = wanted.lower()
    for model in sorted(client.models(), key=lambda model: model.created_at, reverse=True):
        by_digest = len(plain) >= 8 and model.digest.startswith(plain)
        if by_digest or plain == str(model.id) or wanted == model.name:
            return model
    raise InputError(Code.MODEL_UNKNOWN, f"there is no model {wanted!r}")


def warn_of_unfamiliar(client: Client, model: str | None, prompts: Sequence[str], screen: Screen) -> None:
    """Name the prompts that the model of a run (the active one, where None is given) was not fitted for.

    Raises InputError `model_unknown`.
    """
    serves = (known for known in client.models() if known.active)
    chosen = next(serves, None) if model is None else found_model(client, model)
    if chosen is not None:
        show_unfamiliar(screen.say, unfamiliar(prompts, chosen.manifest.get("families", ())))


def sent(client: Client, site_name: str, inspection: Inspection, folder: Folder, screen: Screen) -> Sent:
    """Send a folder's photos; unreadable folders are refused like photos, since some may lie there.

    Names the inspection before, and where the sending is cut off, how it goes on.
    """
    screen.say(f"Inspection {inspection.name} ({inspection.id})")
    try:
        with meter(screen.err, "Upload", total_bytes(folder.found), "bytes") as progress:
            done = Uploader(client, inspection.id, progress).send(folder.found)
    except (KeyboardInterrupt, ApiError, UnreachableError):
        same = f"--site {shlex.quote(site_name)} --inspection {inspection.id}"
        screen.say(f"What was sent is kept: the same command with {same} goes on.")
        raise
    done.refusals += [
        Refusal(path, Code.FILE_UNREADABLE, "this folder cannot be looked into") for path in folder.unreadable
    ]
    told = f"{done.stored} photos are stored, {done.duplicate} more are the same bytes as another"
    screen.say(f"{told}, {len(done.refusals)} were refused" if done.refusals else told)
    return done


def followed(client: Client, run: Run, screen: Screen) -> Run:
    """Show a run's progress until it ends. Ctrl-C cancels it, and says what is kept."""
    try:
        return watched(client, run, screen)
    except KeyboardInterrupt:
        _stop(client, run, screen)
        raise


def _stop(client: Client, run: Run, screen: Screen) -> None:
    try:
        state = client.cancel(run.id)
    except (ApiError, WallscanError) as error:  # it has just ended, or the server is away
        screen.say(f"Run {run.id} was not stopped: {error}")
        return
    screen.say(
        f"Run {run.id} is asked to stop. {state.counts.succeeded} of {state.items} results are there and "
        f"kept: wallscan report {run.inspection_id} writes them."
    )


def watched(client: Client, run: Run, screen: Screen) -> Run:
    """Show a run's progress until it ends."""
    with meter(screen.err, "Inspection", run.items, "items") as progress:
        for state in client.watch(run.id):
            counts = state.counts
            progress.reach(counts.succeeded + counts.failed + counts.cancelled)
            run = state
    if run.state is RunState.FAILED:
        screen.say(f"The run failed: {run.detail} [{run.code}]")
    return run


def written(client: Client, report: Report, output: Output, screen: Screen) -> None:
    """Write a report with its masks and pictures, and say where."""
    from wallscan.report import html_report, json_report, photos_csv, walls_csv

    report = fetch_masks(client, report, output, screen.err)
    pictures = fetch_overlays(client, report, output, screen.err)
    output.write("report.html", html_report(report, pictures))
    output.write("report.csv", photos_csv(report))
    output.write("walls.csv", walls_csv(report))
    output.write("report.json", json_report(report))  # last: it marks a folder as holding a whole report
    screen.result(f"Report: {output.folder / 'report.html'}")
    screen.result(f"Tables: {output.folder / 'report.csv'}, {output.folder / 'walls.csv'}")
    screen.result(f"Masks:  {output.folder / 'masks'}")
