"""One fresh lake per test, on a folder and on S3. Not here: what a lake must keep (test_lake_contract.py)."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedS3
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import S3Options, Settings


@pytest.fixture
def s3_settings(s3: EmbeddedS3) -> Settings:
    options = S3Options(
        access_key_id=SecretStr(s3.access_key_id),
        secret_access_key=SecretStr(s3.secret_access_key),
        region=s3.region,
        endpoint_url=s3.endpoint_url,
    )
    return Settings(lake_url=f"s3://{s3.bucket}/{uuid4().hex}", s3=options)


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "folder":
        return Settings(lake_url=str(tmp_path / "lake"))
    made: Settings = request.getfixturevalue("s3_settings")
    return made


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake.open(settings)
