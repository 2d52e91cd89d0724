"""What the benchmarks run on: a demo company on an embedded PostgreSQL, an empty lake, children with their own memory.

Not here: what is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@contextmanager
def demo_source(home: Path, scale: float) -> Iterator[str]:
    """URL of a demo company of ``scale``, vacuumed and analysed."""
    import psycopg  # noqa: PLC0415

    from ebp_lakehouse.demo.create import create_company  # noqa: PLC0415
    from ebp_lakehouse.demo.servers import EmbeddedPostgres  # noqa: PLC0415

    with EmbeddedPostgres(home / f"postgres-{scale:g}") as server:
        print(f"creating a demo company at scale {scale:g} …", flush=True)
        create_company(server.url, scale, seed=1, as_of=datetime.now(UTC).date())
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
        yield server.url


@contextmanager
def empty_lake(home: Path, *, s3: bool) -> Iterator[dict[str, str]]:
    """The EBP_* variables of an empty lake, in a folder or on an embedded S3 store."""
    if not s3:
        yield {"EBP_LAKE_URL": str(home / "lake" / "run")}
        return
    from ebp_lakehouse.demo.servers import EmbeddedS3  # noqa: PLC0415

    with EmbeddedS3(home / "s3") as store:
        yield {
            "EBP_LAKE_URL": f"s3://{store.bucket}/run",
            "EBP_S3_ENDPOINT_URL": store.endpoint_url,
            "AWS_ACCESS_KEY_ID": store.access_key_id,
            "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        }


def child(script: str, arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run ``script`` in a process of its own; the JSON object in its last line."""
    done = subprocess.run(
        [sys.executable, script, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def p95(seconds: Sequence[float]) -> float:
    """The value that at least 95 % of ``seconds`` do not exceed (nearest rank)."""
    return sorted(seconds)[max(0, -(-len(seconds) * 95 // 100) - 1)]
