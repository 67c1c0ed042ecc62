"""Writers of a report: one structure (`wallscan.wire.report.Report`), one function a format, bytes out."""

from wallscan.report.csv import photos_csv, walls_csv
from wallscan.report.html import html_report
from wallscan.report.json import json_report

__all__ = ["html_report", "json_report", "photos_csv", "walls_csv"]
