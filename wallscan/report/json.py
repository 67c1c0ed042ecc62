"""The report as JSON: the same fields as the HTTP answer, indented for people."""

from wallscan.wire.report import Report


def json_report(report: Report) -> bytes:
    """UTF-8 JSON, read back unchanged by `Report.model_validate_json`."""
    return (report.model_dump_json(indent=2) + "\n").encode()
