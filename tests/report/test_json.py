from tests.report.reports import every_case
from wallscan.report import json_report
from wallscan.wire.report import Report


def test_json_reads_back_as_the_same_report():
    report = every_case()
    written = json_report(report)
    assert Report.model_validate_json(written) == report
    assert "küche 厨房" in written.decode()
    assert written.endswith(b"}\n")
