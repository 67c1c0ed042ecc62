"""What a training found in its data sets, in a few lines for people."""

from collections.abc import Iterator

from wallscan.wire.data_report import DataNote, DataReport


def report_lines(report: DataReport) -> Iterator[str]:
    """One line of counts; then only what is not as it should be, what was left out first, with examples."""
    yield f"Data: {report.data.photos} photos with {report.data.outlines} outlines"
    for note in sorted(report.data.notes.values(), key=_weight):
        yield f"  {'used nevertheless' if note.used else 'left out'}: {note.count} x {note.meaning}"
        yield from (f"    {example}" for example in note.examples)
    for family, leaks in sorted(report.leaks.items()):
        if leaks.any or leaks.scene:
            yield (
                f"  {family}: {leaks.any} of {leaks.photos} validation photos leak: {leaks.source} share a "
                f"source photo with training, {leaks.looks} look like one; {leaks.scene} share a scene"
            )
            yield from (f"    {example}" for example in leaks.examples)


def _weight(note: DataNote) -> tuple[bool, int, str]:
    return note.used, -note.count, note.meaning
