"""The one settings object, and the only place that reads the environment.

Not here: anything that opens a connection. Settings are values; they are validated once and never change.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ebp_lakehouse.errors import SettingsError

REPOSITORY_ROOT = Path(__file__).resolve().parents[1]
REGION_VARIABLES = ("EBP_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
# Defaults are validated as well: a relative one would mean another folder in every process. No error quotes its input.
STRICT = ConfigDict(frozen=True, validate_default=True, hide_input_in_errors=True)


def source_parts(url: str) -> dict[str, str]:
    """What libpq reads in a ``postgresql://`` URL: ``host``, ``port``, ``dbname``, ``user``, ``password``, options.

    Raises:
        ValueError: not such a URL, or its password is not escaped, so that libpq takes a piece of it for the host, the
            port or the database. The text never quotes the URL.
    """
    import psycopg  # noqa: PLC0415 - readers of the lake alone do not need it
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    parts: dict[str, str] = {}
    if url.startswith(("postgresql://", "postgres://")):
        with suppress(psycopg.Error):  # its text quotes the URL
            parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    misread = "@" in parts.get("host", "") + parts.get("dbname", "") or re.search(r"[^\d,]", parts.get("port", ""))
    if not parts or misread:
        raise ValueError(
            "give postgresql://user:password@host:port/database, special characters of user and password "
            "percent-encoded (/ is %2F, @ is %40, % is %25)"
        )
    return parts


class S3Options(BaseModel):
    """Access to an S3-compatible store, rendered for every library that needs it.

    Credentials travel as options, never through the process environment, so that tests prove the plumbing.
    ``session_token`` belongs to temporary keys (AWS STS); None for lasting ones.
    """

    model_config = STRICT

    access_key_id: SecretStr
    secret_access_key: SecretStr
    session_token: SecretStr | None = None
    region: str = "us-east-1"
    endpoint_url: str | None = None

    @field_validator("endpoint_url")
    @classmethod
    def _has_scheme(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://([^/?#\s@:]+|\[[0-9a-fA-F:.]+])(:\d{1,5})?/?", value):
            raise ValueError("give https://host or http://host:port")
        return value

    def object_store(self) -> dict[str, str]:
        """Options of the Rust ``object_store`` crate: delta-rs, obstore and Polars."""
        options = {
            "aws_access_key_id": self.access_key_id.get_secret_value(),
            "aws_secret_access_key": self.secret_access_key.get_secret_value(),
            "aws_region": self.region,
            "aws_conditional_put": "etag",
        }
        if self.session_token:
            options["aws_session_token"] = self.session_token.get_secret_value()
        if self.endpoint_url:
            options["aws_endpoint"] = self.endpoint_url
            options["aws_virtual_hosted_style_request"] = "false"
            if self.endpoint_url.startswith("http://"):
                options["aws_allow_http"] = "true"
        return options

    def duckdb_secret(self) -> dict[str, str]:
        """Parameters of DuckDB's ``CREATE SECRET (TYPE s3, …)``."""
        parameters = {
            "key_id": self.access_key_id.get_secret_value(),
            "secret": self.secret_access_key.get_secret_value(),
            "region": self.region,
        }
        if self.session_token:
            parameters["session_token"] = self.session_token.get_secret_value()
        if self.endpoint_url:
            parts = urlsplit(self.endpoint_url)
            parameters |= {
                "endpoint": parts.netloc,
                "url_style": "path",
                "use_ssl": "false" if parts.scheme == "http" else "true",
            }
        return parameters

    def boto3_client(self) -> dict[str, str | None]:
        """Arguments of ``boto3.client("s3", …)``."""
        return {
            "aws_access_key_id": self.access_key_id.get_secret_value(),
            "aws_secret_access_key": self.secret_access_key.get_secret_value(),
            "aws_session_token": self.session_token.get_secret_value() if self.session_token else None,
            "region_name": self.region,
            "endpoint_url": self.endpoint_url,
        }


class Settings(BaseModel):
    """Everything the house can be told. Field names are the environment variables without ``EBP_``, in lower case.

    Attributes:
        source_url: ``postgresql://user:password@host:port/database`` of the EBP copy; None until a run needs it.
        lake_url: a folder, or ``s3://bucket/prefix``.
        s3: how to reach the store when ``lake_url`` is on S3.
        ingest_mode: how changes come in.
        batch_strategy: how a batch finds changed rows: by transaction (exact), or by EBP's dates (for sources whose rows
            carry no xmin: views, foreign tables).
        tables: ``priority``, ``all`` or a comma-separated list of EBP table names.
        tables_file: the user's registry of further tables (``ebp-lakehouse discover`` writes one), or None.
        first_partition: the first ingestion date that can be back-filled.
        environment: what may run unattended is declared per environment.
        memory_limit: DuckDB's ceiling for one session: a number and KB, MB, GB, TB (or KiB, …).
        threads: DuckDB's threads for one session, with those of statements that are run side by side; 1 or more.
        dbt_project_dir: where ``dbt_silver`` lies.
        user_files: folder of the optional files a user may supply (``colleague_extra.csv``, …), or None.
        parameters_file: YAML of parameters over the defaults of ``dbt_silver/dbt_project.yml``, or None.
        geocoder: who is asked where customers' addresses lie: nobody, the Base Adresse Nationale, a Nominatim server.
        geocoder_url: another server of that kind, such as the company's own; None = the public one.
        weather_url: a server of Open-Meteo's archive API; None = offline.
        weather_key: the key of a paid Open-Meteo plan, or None.
        economic_url: INSEE's BDM web service (SDMX); None = offline.
    """

    model_config = STRICT

    source_url: SecretStr | None = None
    lake_url: str = "lake"
    s3: S3Options | None = None
    ingest_mode: Literal["batch", "cdc"] = "batch"
    batch_strategy: Literal["xmin", "timestamp"] = "xmin"
    tables: str = "priority"
    tables_file: Path | None = None
    first_partition: date = date(2025, 1, 1)
    environment: Literal["local", "production"] = "local"
    memory_limit: str = "1GB"
    threads: int = Field(default=2, ge=1)
    dbt_project_dir: Path = REPOSITORY_ROOT / "dbt_silver"
    user_files: Path | None = None
    parameters_file: Path | None = None
    geocoder: Literal["off", "ban", "nominatim"] = "off"
    geocoder_url: str | None = None
    weather_url: str | None = None
    weather_key: SecretStr | None = None
    economic_url: str | None = None

    @field_validator("lake_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if "://" not in value:
            return os.path.abspath(os.path.expanduser(value))  # noqa: PTH100, PTH111 - ~nobody stays as it is
        value = value.rstrip("/")
        if not value.startswith("s3://") or not urlsplit(value).netloc:
            raise ValueError("a lake is a folder or s3://bucket/prefix")
        return value

    @field_validator("source_url")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            source_parts(value.get_secret_value())
        return value

    @field_validator("memory_limit")
    @classmethod
    def _amount(cls, value: str) -> str:
        if not re.fullmatch(r"0*[1-9]\d*(\.\d+)?\s?[KMGT]i?B", value.strip(), re.IGNORECASE):
            raise ValueError("give a number and its unit, such as 500MB or 4GB")
        return value.strip()

    @field_validator("geocoder_url", "weather_url", "economic_url")
    @classmethod
    def _base_of_a_service(cls, value: str | None) -> str | None:
        """Our own path and query are put behind it; a key or a password in it would be shown in messages."""
        if value is not None and not re.fullmatch(
            r"https?://([^/?#\s@:]+|\[[0-9a-fA-F:.]+])(:\d{1,5})?(/[^?#\s]*)?", value
        ):
            raise ValueError("give https://host/path, without user, password, ? or #")
        return value.rstrip("/") if value else None

    @property
    def is_s3(self) -> bool:
        return self.lake_url.startswith("s3://")

    def source(self) -> str:
        """The source's URL, password included; for connecting only, never for printing."""
        if self.source_url is None:
            raise SettingsError(
                "No source: EBP_SOURCE_URL is not set. Set it to postgresql://user:password@host:5432/database, "
                "or run `make demo` to get a demo company."
            )
        return self.source_url.get_secret_value()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and validate the environment: ``EBP_*``, and AWS's own names for keys, session token and region.

        Raises:
            SettingsError: names every variable that cannot work and the value expected.
        """
        env = os.environ if environment is None else environment
        values: dict[str, object] = {
            name: env[f"EBP_{name.upper()}"]
            for name in cls.model_fields
            if name != "s3" and env.get(f"EBP_{name.upper()}")
        }
        if str(values.get("lake_url", "")).startswith("s3://"):
            missing = [key for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not env.get(key)]
            if missing:
                raise SettingsError(
                    f"EBP_LAKE_URL is on S3 but {' and '.join(missing)} is not set. Export it and retry."
                )
            values["s3"] = {
                "access_key_id": env["AWS_ACCESS_KEY_ID"],
                "secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
                "session_token": env.get("AWS_SESSION_TOKEN") or None,
                "region": next(filter(None, map(env.get, REGION_VARIABLES)), "us-east-1"),
                "endpoint_url": env.get("EBP_S3_ENDPOINT_URL") or None,
            }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(
                f"EBP_{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors(include_input=False)
            )
            raise SettingsError(f"Settings cannot be used: {problems}.") from None

    def to_environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a child process (the Dagster UI). Holds secrets."""
        env = {
            f"EBP_{name.upper()}": str(value.get_secret_value() if isinstance(value, SecretStr) else value)
            for name in type(self).model_fields
            if name != "s3" and (value := getattr(self, name)) is not None
        }
        if self.s3 is not None:
            env["AWS_ACCESS_KEY_ID"] = self.s3.access_key_id.get_secret_value()
            env["AWS_SECRET_ACCESS_KEY"] = self.s3.secret_access_key.get_secret_value()
            # An empty one hides the parent's own, which belongs to other keys.
            env["AWS_SESSION_TOKEN"] = self.s3.session_token.get_secret_value() if self.s3.session_token else ""
            env["EBP_S3_REGION"] = self.s3.region
            env["EBP_S3_ENDPOINT_URL"] = self.s3.endpoint_url or ""
        return env
