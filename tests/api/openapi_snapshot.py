"""`python -m tests.api.openapi_snapshot`: write the OpenAPI document that the tests hold the API to."""

import json
from pathlib import Path

from api.bootstrap import ApiSettings, DatabaseSettings, Settings
from api.main import create_app
from wallscan.jobs.app import QueueSettings
from wallscan.storage import S3Settings

if __name__ == "__main__":
    nowhere = DatabaseSettings(database_url="postgresql+psycopg://127.0.0.1/none")
    app = create_app(Settings(nowhere, QueueSettings(), S3Settings(), ApiSettings()))
    text = json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True)
    (Path(__file__).parent / "openapi.json").write_text(f"{text}\n", encoding="utf-8")
