"""The gate before a model serves, as a person sees it: waiting for the comparison, and its numbers."""

from rich.table import Table

from wallscan.client.connect import is_private
from wallscan.client.errors import ApiError
from wallscan.client.exits import DONE, SYSTEM_FAILED, USAGE
from wallscan.client.http import Client
from wallscan.client.screen import Screen, plain
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import ComparisonState
from wallscan.wire.models import ActivationOrder, Check, Comparison, Measured, Model, ModelDetail


def activate(client: Client, screen: Screen, model: Model, order: ActivationOrder) -> int:
    """Have a version serve, wait for its comparison if there is one, and tell how it ended: the exit code.

    Raises ApiError where the order itself is refused.
    """
    try:
        asked = client.activate_model(model.id, order)
    except ApiError as error:
        if error.code != Code.MODEL_GATE_REFUSED:
            raise
        show_model(screen, client.model(model.id))  # it came out worse before: the numbers say by how much
        screen.say(f"It does not serve: {error}")
        return USAGE
    if not asked.active and _is_open(asked.comparison):
        screen.say(f"Comparing it with the version that serves now. {_after_ctrl_c(model)}")
        asked = client.compared_model(model.id)
    return _told(screen, asked)


def _after_ctrl_c(model: Model) -> str:
    if is_private():
        return f"After Ctrl-C it goes on when `wallscan models activate {model.id}` runs."
    return "Ctrl-C does not stop the comparison."


def _is_open(comparison: Comparison | None) -> bool:
    return comparison is not None and comparison.state in (ComparisonState.QUEUED, ComparisonState.RUNNING)


def _told(screen: Screen, model: ModelDetail) -> int:
    compared = model.comparison
    show_model(screen, model)
    if model.active:
        return DONE
    if compared is not None and compared.code is not None:
        screen.say(f"It does not serve: {compared.detail} [{compared.code}]")
    refused = compared is not None and compared.state is ComparisonState.REFUSED
    return USAGE if refused else SYSTEM_FAILED


def show_model(screen: Screen, model: ModelDetail) -> None:
    """A line about a version, and what its latest comparison came to."""
    show_line(screen, model)
    if model.comparison is not None and model.comparison.numbers is not None:
        screen.out.print(comparison_table(model.comparison.numbers))


def show_line(screen: Screen, model: Model) -> None:
    """A version's name, digest, state and id."""
    serving = ", active" if model.active else ""
    screen.result(f"Model {model.name} {model.digest[:12]}: {model.state}{serving} ({model.id})")


def comparison_table(measured: Measured) -> Table:
    """Every check with both versions' values, the difference and its bounds, and what is put up with."""
    caption = f"{measured.benchmark}: {measured.judged_on}"
    table = Table(title="Compared with the version that served", caption=plain(caption))
    table.add_column("Check", overflow="fold")
    for heading in ("This", "Served", "Difference", "Bounds", "Needed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for check in measured.checks:
        table.add_row(plain(check.name), *_cells(check), "passed" if check.passed else "refused")
    return table


def _cells(check: Check) -> tuple[str, ...]:
    """In per cent; a difference is in percentage points."""
    bound = f">= {-100 * check.margin:.1f}" if check.more_is_better else f"<= {100 * check.margin:+.1f}"
    bounds = f"{100 * check.low:+.1f} to {100 * check.high:+.1f}"
    values = (f"{100 * check.model:.1f}", f"{100 * check.active:.1f}", f"{100 * check.difference:+.1f}")
    return *values, bounds, bound
