"""Where the objects are. Built in bootstraps only."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class S3Settings(BaseSettings):
    """Settings of the S3 back end, each read from the environment variable of the field's name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    s3_endpoint_url: str | None = None  # None: Amazon's own
    # Presigned addresses are opened by clients, which may reach storage by another name than services do.
    s3_public_endpoint_url: str | None = None
    s3_bucket: str = "wallscan"
    s3_region: str = "us-east-1"
    # None: boto3's own chain (profile, instance role).
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
