"""What the environment may say, what is refused with one sentence, and that no sentence holds a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.settings import S3Options, Settings
from ebp_lakehouse.source.connection import explain, location

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "EBP_LAKE_URL": "s3://bucket/lake"}
# libpq reads host u, port 2024, database Ebp!@db/ebp in the second: the password's end would be shown as a database.
MISLEADING = (
    "host=db password=S3cret dbname=ebp",
    "postgresql://u:2024/S3cret!@db/ebp",
    "postgresql://u:S3cret/x@db/ebp",
    "postgresql://u:S3cret@@db/ebp",
    "postgresql://u:S3cret%@db/ebp",
    "mysql://u:S3cret@db/ebp",
    "S3cret",
)


@pytest.mark.parametrize("url", MISLEADING)
def test_a_source_that_is_no_clear_url_is_refused_and_never_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="EBP_SOURCE_URL: give postgresql://") as caught:
        Settings.from_environment({"EBP_SOURCE_URL": url})
    with pytest.raises(ValidationError) as direct:
        Settings(source_url=SecretStr(url))
    texts = [str(caught.value), str(direct.value), location(url), str(explain(ValueError(url), url))]
    assert not [text for text in texts if "S3cret" in text or "2024" in text]
    assert location(url) == "(not shown)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:S3cret@db/ebp", "db:5432/ebp"),
        ("postgres://u:2024%2FS3cret!@db:5433/ebp", "db:5433/ebp"),
        ("postgresql://db/ebp?user=u&password=S3cret&sslmode=require", "db:5432/ebp"),
        ("postgresql:///ebp", "local socket:5432/ebp"),
        ("postgresql://u:S3cret@one:1,two:2/ebp", "one,two:1,2/ebp"),
    ],
)
def test_a_source_is_shown_by_host_port_and_database(url: str, shown: str) -> None:
    assert Settings.from_environment({"EBP_SOURCE_URL": url}).source() == url
    assert location(url) == shown
    assert "S3cret" not in str(explain(ValueError(f"connection to {url} failed"), url))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EBP_THREADS", "0"),
        ("EBP_THREADS", "many"),
        ("EBP_MEMORY_LIMIT", "plenty"),
        ("EBP_MEMORY_LIMIT", "0GB"),
        ("EBP_MEMORY_LIMIT", "1000"),
        ("EBP_S3_ENDPOINT_URL", "s3.example.com"),
        ("EBP_S3_ENDPOINT_URL", "http://s3.example.com:port"),
        ("EBP_S3_ENDPOINT_URL", "https://"),
        ("EBP_LAKE_URL", "gs://bucket/lake"),
        ("EBP_LAKE_URL", "s3:///lake"),
        ("EBP_FIRST_PARTITION", "yesterday"),
        ("EBP_GEOCODER", "google"),
        ("EBP_GEOCODER_URL", "data.geopf.fr"),
        ("EBP_WEATHER_URL", "https://archive.example.com/v1?apikey=s3cr3t"),
        ("EBP_WEATHER_URL", "https://user:s3cr3t@archive.example.com"),
        ("EBP_ECONOMIC_URL", "ftp://bdm.example.com"),
    ],
)
def test_a_value_that_cannot_work_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: ") as told:
        Settings.from_environment(KEYS | {name: value})
    assert "s3cr3t" not in str(told.value)


def test_nothing_outside_is_asked_by_default_and_a_child_asks_what_its_parent_asks() -> None:
    quiet = Settings.from_environment({})
    assert (quiet.geocoder, quiet.geocoder_url, quiet.weather_url, quiet.economic_url) == ("off", None, None, None)
    told = {"EBP_GEOCODER": "ban", "EBP_WEATHER_URL": "http://127.0.0.1:8080/meteo/", "EBP_WEATHER_KEY": "k3y"}
    settings = Settings.from_environment(told)
    assert settings.weather_url == "http://127.0.0.1:8080/meteo"
    assert "k3y" not in repr(settings)
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize("limit", ["500MB", "1.5 GiB", "2gb"])
def test_a_memory_limit_that_duckdb_understands_is_taken(limit: str) -> None:
    import duckdb  # noqa: PLC0415

    given = Settings.from_environment({"EBP_MEMORY_LIMIT": limit}).memory_limit
    duckdb.connect(config={"memory_limit": given}).close()


def test_a_lake_in_a_folder_is_absolute_also_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().lake_url == Settings.from_environment({}).lake_url == str(tmp_path / "lake")
    assert Settings.from_environment({"EBP_LAKE_URL": "/"}).lake_url == "/"
    assert Settings.from_environment({"EBP_LAKE_URL": "/a/b/"}).lake_url == "/a/b"


@pytest.mark.parametrize(
    ("told", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2", "EBP_S3_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_the_region_may_be_told_in_amazons_words(told: dict[str, str], region: str) -> None:
    s3 = Settings.from_environment(KEYS | told).s3
    assert s3 is not None
    assert s3.region == s3.duckdb_secret()["region"] == s3.object_store()["aws_region"] == region


def test_temporary_keys_reach_every_library_and_child() -> None:
    settings = Settings.from_environment(KEYS | {"AWS_SESSION_TOKEN": "t0ken"})
    assert settings.s3 is not None
    assert settings.s3.object_store()["aws_session_token"] == "t0ken"
    assert settings.s3.duckdb_secret()["session_token"] == "t0ken"
    assert settings.s3.boto3_client()["aws_session_token"] == "t0ken"
    assert Settings.from_environment(settings.to_environment()) == settings
    assert "t0ken" not in repr(settings)


def test_lasting_keys_do_not_take_the_parents_token_or_endpoint() -> None:
    keys = S3Options(access_key_id=SecretStr("a"), secret_access_key=SecretStr("b"))
    settings = Settings(lake_url="s3://bucket", s3=keys)
    parents = {"AWS_SESSION_TOKEN": "others", "EBP_S3_ENDPOINT_URL": "http://others"}
    assert Settings.from_environment(parents | settings.to_environment()) == settings
    assert "aws_session_token" not in keys.object_store()
    assert "session_token" not in keys.duckdb_secret()
