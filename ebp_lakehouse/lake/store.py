"""The lake's root: small objects with conditional puts, and where tables lie. One code path for a folder and S3.

Not here: Delta commits (delta.py), what is published (publication.py), DuckDB (session.py).
"""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, S3Store

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.settings import S3Options, Settings

STAGED = re.compile(r"#\d+$")  # how obstore names a file that it has not finished, in a folder
MINIMUM_FREE_BYTES = 200 * 1024 * 1024  # below this a folder lake refuses to start a write: half a batch helps nobody


# The status as a word of its own: the text holds names of objects too, and those hold digits.
REFUSED = re.compile(r"accessdenied|invalidaccesskeyid|signaturedoesnotmatch|\b403\b")


@dataclass(frozen=True)
class StoredObject:
    """What a listing tells: path under the lake's root, bytes, when it was written (UTC)."""

    path: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Lake:
    """A lake at ``url`` (absolute folder, or ``s3://bucket/prefix``).

    Tables are named by key, ``<layer>/<table>``, e.g. ``bronze/sale_document``; personal columns live under
    ``private/<layer>/<table>``.
    """

    url: str
    s3: S3Options | None = None

    @classmethod
    def open(cls, settings: Settings) -> Lake:
        return cls(url=settings.lake_url, s3=settings.s3)

    @property
    def storage_options(self) -> dict[str, str]:
        """Options for delta-rs; they hold the secret, never print them."""
        return self.s3.object_store() if self.s3 else {}

    def uri(self, key: str) -> str:
        return f"{self.url}/{key}"

    @cached_property
    def objects(self) -> LocalStore | S3Store:
        """The store, for writing: a folder is made. Reading asks ``is_absent`` first, and makes nothing."""
        if self.s3 is None:
            self._make_folder()
            return LocalStore(prefix=self.url)
        parts = urlsplit(self.url)
        config = {key: value for key, value in self.s3.object_store().items() if key != "aws_allow_http"}
        return S3Store(
            bucket=parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,  # type: ignore[arg-type]
            client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "60s"},
            retry_config={"max_retries": 6, "retry_timeout": timedelta(seconds=20)},
        )

    @property
    def is_absent(self) -> bool:
        """Whether the lake is a folder that does not exist (yet)."""
        try:
            return self.s3 is None and not Path(self.url).is_dir()
        except OSError as error:
            raise self.explain(error, "looking for the folder") from error

    def read(self, path: str) -> bytes | None:
        """The object at ``path``, or None where there is none."""
        if self.is_absent:
            return None
        try:
            return bytes(obstore.get(self.objects, path).bytes())
        except (NotFoundError, FileNotFoundError):
            self._check_bucket_when_missing()
            return None
        except BaseError as error:
            raise self.explain(error, f"reading {path}") from error

    def exists(self, path: str) -> bool:
        if self.is_absent:
            return False
        try:
            obstore.head(self.objects, path)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise self.explain(error, f"looking for {path}") from error
        return True

    def create(self, path: str, content: bytes) -> bool:
        """Write ``path`` if nothing is there (conditional put, or exclusive create); False when somebody was first."""
        try:
            obstore.put(self.objects, path, content, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise self.explain(error, f"writing {path}") from error
        return True

    def replace(self, path: str, content: bytes) -> None:
        try:
            obstore.put(self.objects, path, content, mode="overwrite")
        except (BaseError, OSError) as error:
            raise self.explain(error, f"writing {path}") from error

    def delete(self, path: str) -> None:
        if self.is_absent:
            return
        try:
            obstore.delete(self.objects, path)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise self.explain(error, f"deleting {path}") from error

    def delete_all(self, paths: Sequence[str]) -> None:
        """Delete many objects, as few requests as the store allows; one that is gone already is no error."""
        try:
            obstore.delete(self.objects, list(paths))
        except (NotFoundError, FileNotFoundError):
            for path in paths:  # a folder stops at the first that is missing
                self.delete(path)
        except BaseError as error:
            raise self.explain(error, f"deleting {len(paths)} objects") from error

    def drop_unfinished(self, before: datetime, *, dry_run: bool) -> int:
        """Give back what uploads that were killed before ``before`` hold: no listing shows it, the disk or bill does."""
        if self.s3 is None:
            staged = [path for path in Path(self.url).rglob("*#*") if STAGED.search(path.name)]
            old = [path for path in staged if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before]
            for path in [] if dry_run else old:
                path.unlink(missing_ok=True)
            return len(old)
        import boto3  # noqa: PLC0415  queries must start at once, and only this needs it
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        parts = urlsplit(self.url)
        prefix = parts.path.strip("/")
        client = boto3.client("s3", **self.s3.boto3_client())
        try:
            pages = client.get_paginator("list_multipart_uploads").paginate(
                Bucket=parts.netloc, Prefix=f"{prefix}/" if prefix else ""
            )
            uploads = [u for page in pages for u in page.get("Uploads", []) if u["Initiated"] < before]
            for upload in [] if dry_run else uploads:
                client.abort_multipart_upload(Bucket=parts.netloc, Key=upload["Key"], UploadId=upload["UploadId"])
        except (BotoCoreError, ClientError) as error:
            raise self.explain(error, "listing unfinished uploads") from error
        finally:
            client.close()
        return len(uploads)

    def listing(self, prefix: str) -> list[StoredObject]:
        """Every finished object under ``prefix``, at any depth."""
        if self.is_absent:
            return []
        try:
            return [
                StoredObject(meta["path"], meta["size"], meta["last_modified"])
                for batch in obstore.list(self.objects, prefix)
                for meta in batch
            ]
        except (NotFoundError, FileNotFoundError) as error:
            if self.s3 is not None:  # S3 lists an unknown prefix as empty: what is missing is the bucket
                raise self.explain(error, f"listing {prefix}") from error
            return []
        except BaseError as error:
            raise self.explain(error, f"listing {prefix}") from error

    def names(self, prefix: str) -> list[str]:
        """Names (last path element) of the objects directly under ``prefix``, sorted."""
        depth = prefix.strip("/").count("/") + 1
        paths = (found.path for found in self.listing(prefix))
        return sorted(path.rsplit("/", 1)[-1] for path in paths if path.count("/") == depth)

    def check_writable(self) -> None:
        """Refuse, before anything is written, a store that would lose commits or has no room left.

        Raises:
            LakeError: the store cannot be reached, refuses the keys, is full, or ignores conditional puts.
        """
        if self.s3 is None:
            self._check_folder()
        else:
            self.names("_publications")  # some stores create a missing bucket on the first write
        self.check_conditional_put()

    def check_conditional_put(self, races: int = 8) -> None:
        """Race two conditional puts on one fresh name, ``races`` times at once: of each two exactly one may win.

        A store that lets both win would let two publications overwrite each other without a trace; some stores
        honour the header one request at a time yet not under concurrency, hence the race. Why in pairs: SeaweedFS has
        the third and further writers of one name wait a second each, and this is asked before every batch.
        """
        paths = [f"_probe/{uuid.uuid4().hex}" for _ in range(races)]
        gate = threading.Barrier(2 * races)

        def attempt(path: str) -> bool:
            gate.wait()
            return self.create(path, b"")

        try:
            with ThreadPoolExecutor(2 * races) as pool:
                won = list(pool.map(attempt, paths * 2))
        except LakeError:
            with suppress(LakeError):  # what could not be created cannot be deleted: the first error is the one to tell
                self.delete_all(paths)
            raise
        self.delete_all(paths)
        wrong = sum(first == second for first, second in zip(won[:races], won[races:], strict=True))
        if wrong:
            raise LakeError(
                f"The store of {self.url} does not honour conditional puts (If-None-Match): in {wrong} of {races} races "
                "of two simultaneous creations of one object not exactly one won, so publications could overwrite each "
                "other. Use a store that honours them (AWS S3, SeaweedFS, MinIO, Garage, OVHcloud, Scaleway) or a folder."
            )

    def explain(self, error: BaseException, doing: str) -> LakeError:
        """Turn a store's error into one sentence that says what to do; the original text holds no secret we set."""
        text = str(error)
        folded = text.lower()
        where = f"the lake {self.url}" + (f" at {self.s3.endpoint_url}" if self.s3 and self.s3.endpoint_url else "")
        if isinstance(error, UnauthenticatedError | PermissionDeniedError) or REFUSED.search(folded):
            advice = (
                "The store refuses these keys: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy."
            )
            if self.s3 is None:
                advice = "The folder is not writable by this user: change its owner or choose another EBP_LAKE_URL."
        elif "nosuchbucket" in folded or "bucket does not exist" in folded:
            advice = "The bucket does not exist: create it or correct EBP_LAKE_URL."
        elif "no space left" in folded or "os error 28" in folded:
            advice = "The disk is full: free some room and run again; nothing that readers see has changed."
        elif "read-only file system" in folded or "os error 30" in folded:
            advice = "The folder lies on a file system that is mounted read only: choose another EBP_LAKE_URL, or mount it anew."
        elif "not implemented" in folded or "notimplemented" in folded:
            advice = "The store does not support conditional puts (If-None-Match): use one that does, or a folder."
        elif any(word in folded for word in ("connect", "dns", "timed out", "refused")):
            advice = "The store does not answer: is it running, and is EBP_S3_ENDPOINT_URL right?"
        else:
            advice = text.splitlines()[0][:300]
        return LakeError(f"Failed while {doing} in {where}. {advice}")

    def _make_folder(self) -> None:
        try:
            Path(self.url).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(
                f"The folder {self.url} cannot be created ({error.strerror}). Correct EBP_LAKE_URL."
            ) from error

    def _check_folder(self) -> None:
        self._make_folder()
        free = shutil.disk_usage(self.url).free
        if free < MINIMUM_FREE_BYTES:
            raise LakeError(
                f"Only {free // 2**20} MB are free where the lake {self.url} lies; at least "
                f"{MINIMUM_FREE_BYTES // 2**20} MB are needed. Free some room and run again."
            )

    def _check_bucket_when_missing(self) -> None:
        """A missing object and a missing bucket answer alike on a GET; a listing tells them apart."""
        if self.s3 is None:
            return
        try:
            next(iter(obstore.list(self.objects, "_publications")), None)
        except BaseError as error:
            raise self.explain(error, "opening it") from error
