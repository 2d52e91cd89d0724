"""What the doctor says of a house in order, of wrong passwords and keys, of servers that are gone, and of a full disk."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from ebp_lakehouse.demo.schema import create_schema
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.doctor import Finding, examine
from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import S3Options, Settings, source_parts
from ebp_lakehouse_tests.integration.lake.processes import publish_rows

NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def source(postgres: EmbeddedPostgres) -> str:
    name = f"doctor_{uuid4().hex[:8]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    create_schema(postgres.url_of(name))
    return postgres.url_of(name)


@pytest.fixture(scope="module")
def s3_options(s3: EmbeddedS3) -> S3Options:
    return S3Options(
        access_key_id=SecretStr(s3.access_key_id),
        secret_access_key=SecretStr(s3.secret_access_key),
        endpoint_url=s3.endpoint_url,
    )


def found(settings: Settings) -> dict[str, Finding]:
    """The findings by subject, the worst where there are several."""
    order = ("ok", "warn", "fail")
    worst: dict[str, Finding] = {}
    for finding in examine(settings):
        if finding.subject not in worst or order.index(finding.state) > order.index(worst[finding.subject].state):
            worst[finding.subject] = finding
    return worst


def test_a_house_in_order(source: str, s3: EmbeddedS3, s3_options: S3Options) -> None:
    settings = Settings(source_url=SecretStr(source), lake_url=f"s3://{s3.bucket}/{uuid4().hex}", s3=s3_options)
    publish_rows(settings, "silver/t", 1, 2)
    findings = found(settings)
    assert {name: finding.text for name, finding in findings.items() if finding.state != "ok"} == {}
    subjects = {"source", "tables", "wal_level", "lake", "conditional put", "publication", "versions", "dbt project"}
    assert subjects <= set(findings)
    assert "record 1" in findings["publication"].text
    assert Lake.open(settings).listing("_probe") == []


def test_a_wrong_password_and_a_wrong_key_are_told_apart_and_not_shown(
    source: str, s3: EmbeddedS3, s3_options: S3Options
) -> None:
    right = source_parts(source)["password"]
    keys = s3_options.model_copy(update={"secret_access_key": SecretStr("wr0ng-key")})
    url = SecretStr(source.replace(right, "wr0ng-password"))
    findings = found(Settings(source_url=url, lake_url=f"s3://{s3.bucket}/x", s3=keys))
    assert "refuses the user or the password" in findings["source"].text
    assert "refuses these keys" in findings["lake"].text
    assert {findings[name].state for name in ("source", "lake")} == {"fail"}
    assert findings["versions"].state == findings["dbt project"].state == "ok"  # one failure does not stop the next
    assert "wr0ng" not in "".join(finding.text + finding.advice for finding in findings.values())


def test_servers_that_do_not_answer(s3_options: S3Options) -> None:
    gone = s3_options.model_copy(update={"endpoint_url": f"http://{NOWHERE}"})
    url = SecretStr(f"postgresql://u:s3cret@{NOWHERE}/ebp")
    findings = found(Settings(source_url=url, lake_url="s3://lake/x", s3=gone))
    assert f"{NOWHERE}/ebp does not answer" in findings["source"].text
    assert "does not answer" in findings["lake"].text
    assert {findings[name].state for name in ("source", "lake")} == {"fail"}


def test_missing_tables_are_named(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    findings = found(Settings(source_url=SecretStr(postgres.url_of("postgres")), lake_url=str(tmp_path)))
    assert findings["tables"].state == "fail"
    assert "SaleDocument" in findings["tables"].text


@pytest.mark.parametrize(("folder", "state"), [("new/lake", "warn"), ("file/lake", "fail")])
def test_a_folder_that_does_not_exist_is_told_and_not_made(tmp_path: Path, folder: str, state: str) -> None:
    (tmp_path / "file").touch()
    findings = found(Settings(lake_url=str(tmp_path / folder)))
    assert findings["lake"].state == state
    assert str(tmp_path / folder) in findings["lake"].text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only who may mount a file system can fill one")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_before_and_while_writing(small_disk: Path) -> None:
    settings = Settings(lake_url=str(small_disk))
    assert "Only 4 MB are free" in found(settings)["lake"].text
    lake = Lake.open(settings)
    with pytest.raises(LakeError, match="The disk is full: free some room"):
        lake.replace("big", b"x" * 8 * 2**20)
    assert lake.read("big") is None
    with pytest.raises(LakeError, match="The disk is full: free some room"):
        lake.create("big", b"x" * 8 * 2**20)
    assert lake.read("big") is None
