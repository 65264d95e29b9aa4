"""Archives and keys that would lead out of a folder: ``python -m benchmarks.escapes``.

    results    archives where a job's result should be, read by PostProcess's own reader
    source     archives where a job's source should be, unpacked by the local Braket
    fetch      keys of a run's objects, downloaded by ``qpipe run`` and by aws clients' ``fetch``
    fill       keys below a checkpoint's prefix, brought into a job's folder

Names with ``..``, absolute ones, links of both kinds (out of the folder, in a loop, to what comes
later), devices, and bombs: zeros, headers, files without number, sizes that are lies. A case has to
be refused, or to write below its folder alone: files around it are compared, and the name that each
case would like to write is looked for. It may take 2 s of processor time and 500 MB. Linux alone.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import click
from rich.console import Console
from rich.table import Table

from benchmarks import options
from benchmarks.watched import UNNAMED, Outcome, Watched
from quantum_pipeline import runs
from quantum_pipeline.aws import archive
from quantum_pipeline.cli.client import Pipeline
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.braket import storage
from quantum_pipeline.local.braket.sources import Sources

MOST_MEGABYTES = 500.0
REFUSED, INSIDE, OUTSIDE = "refused", "inside", "OUTSIDE"
READERS = ("results", "source", "fetch", "fill")
MARK = "escaped"
"""Of the name of each file that a case would like to write outside."""

Member = tuple[tarfile.TarInfo, bytes]


class Case(NamedTuple):
    """One attack: its reader, what it tries, and what came of it."""

    reader: str
    kind: str
    end: str
    words: str
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def is_broken(self) -> bool:
        """Whether it got out, had no name, or took more memory than a case may."""
        return self.end not in (REFUSED, INSIDE) or self.megabytes > MOST_MEGABYTES


def file(name: str, content: bytes = b"x", **headers: str) -> Member:
    member = tarfile.TarInfo(name)
    member.size, member.pax_headers = len(content), headers
    return member, content


def other(name: str, kind: bytes, target: str = "") -> Member:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def packed(members: Sequence[Member]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def lying(name: str, size: int) -> bytes:
    """Return an archive whose only file is said to be larger than what follows."""
    member = tarfile.TarInfo(name)
    member.size = size
    return gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024)


def zeros(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return an archive with one member of so many zeros, a thousandth of that as it lies there."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    content, block = io.BytesIO(), bytes(2**20)
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1) as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(size // len(block)):
            stream.write(block)
        stream.write(bytes(1024))
    return content.getvalue()


def names(rng: random.Random, world: Path) -> str:
    """Return a name that leads out of a folder two levels below ``world``, or seems to."""
    up = rng.choice(
        ("..", "../..", "a/../..", "./..", "a/b/../../..", "..//..", "%2e%2e", "..\\..")
    )
    return rng.choice(
        (f"{up}/{MARK}", f"{world}/{MARK}", f"//{world}/{MARK}", f"{up}/folder2/{MARK}")
    )


def _through_link(rng: random.Random, world: Path) -> list[Member]:
    kind = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE))
    to = rng.choice(("..", "../..", str(world), "a/../..", "/"))
    return [other("d", kind, to), file(f"d/{MARK}")]


def _through_two(rng: random.Random, _: Path) -> list[Member]:
    kind = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE))
    return [
        other("a", tarfile.SYMTYPE, "."),
        other("b", kind, f"a/{rng.choice(('..', '../..', 'a/..'))}"),
        file(f"b/{MARK}"),
    ]


def _over_a_link(rng: random.Random, world: Path) -> list[Member]:
    kind = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE))
    to = rng.choice((f"../{MARK}", f"{world}/{MARK}", "../kept.txt", f"{world}/kept.txt"))
    return [other("results.json", kind, to), file("results.json", b"overwritten")]


def _loop(rng: random.Random, _: Path) -> list[Member]:
    kind = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE))
    ring = ["results.json", *"abcd"[: rng.randrange(4)]]
    members = [other(name, kind, ring[k - 1]) for k, name in enumerate(ring)]
    return [*members, file(f"a/{MARK}")]


def _odd(rng: random.Random, world: Path) -> list[Member]:
    kind = rng.choice((tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, b"Z"))
    return [other(rng.choice(("results.json", names(rng, world))), kind)]


TRICKS: dict[str, Callable[[random.Random, Path], list[Member]]] = {
    "a name": lambda rng, world: [file(names(rng, world))],
    "a name in a header": lambda rng, world: [file("a", path=names(rng, world))],
    "through a link": _through_link,
    "through two links": _through_two,
    "over a link": _over_a_link,
    "links in a loop": _loop,
    "a device or folder": _odd,
}
BOMBS: dict[str, Callable[[random.Random], bytes]] = {
    "2 GB of zeros": lambda rng: zeros(rng.choice(("results.json", "a")), 2**31),
    "a name of 1 GB": lambda _: zeros("././@LongLink", 2**30, tarfile.GNUTYPE_LONGNAME),
    "a header of 1 GB": lambda _: zeros("pax", 2**30, tarfile.XHDTYPE),
    "a size that is a lie": lambda rng: lying("results.json", rng.choice((2**33, 2**60, 2**20))),
    "300,000 files": lambda _: packed([file(str(number), b"") for number in range(300_000)]),
    "cut off": lambda rng: packed([file("results.json", bytes(9999))])[: rng.randrange(200)],
}


def archives(count: int, rng: random.Random, world: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each bomb once and tricks in turn, with their names."""
    for kind, bomb in BOMBS.items():
        yield kind, bomb(rng)
    for number in range(count - len(BOMBS)):
        kind, trick = list(TRICKS.items())[number % len(TRICKS)]
        yield kind, packed(trick(rng, world))


def _ready() -> None:
    """All is imported."""


def read(case: bytes) -> str:
    """Read the archive that a case names as its reader does; return its end."""
    reader, path, folder = case.decode().split("\n")
    try:
        if reader == "results":
            archive.saved_data(Path(path).read_bytes(), "the archive")
        else:
            Sources().unpack(Path(path), Path(folder))
    except (InvalidResult, tarfile.TarError, OSError, EOFError) as error:
        return f"{REFUSED}\n{type(error).__name__}: {error}"
    return f"{INSIDE}\n"


class World:
    """A folder of its own, with one in it that may be written to, and files around that may not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.target = path / "runs" / "folder"
        self.target.mkdir(parents=True)
        for around in (path, path / "runs"):
            (around / "kept.txt").write_text("kept")
        self._before = self._around()

    def _around(self) -> dict[str, str]:
        return {
            str(each): "" if each.is_dir() else each.read_text("utf-8", "replace")
            for each in sorted(self.path.rglob("*"))
            if self.target not in (each, *each.parents)
        }

    def escaped(self) -> list[str]:
        """Return what has changed outside of the folder, and empty that."""
        shutil.rmtree(self.target)
        self.target.mkdir()
        now = self._around()
        changed = sorted(dict(now.items() ^ self._before.items()))
        marked = [str(path) for path in (Path("/", MARK), Path(tempfile.gettempdir(), MARK))]
        return changed + [path for path in marked if Path(path).exists()]


def of_archives(count: int, rng: random.Random, world: World) -> Iterator[Case]:
    """Yield the cases of both readers of archives."""
    with tempfile.TemporaryDirectory() as folder, Watched(read, _ready) as watched:
        path = Path(folder, "archive.tar.gz")
        for kind, content in archives(count, rng, world.path):
            path.write_bytes(content)
            for reader in ("results", "source"):
                yield _case(
                    reader, kind, watched(f"{reader}\n{path}\n{world.target}".encode()), world
                )


def _case(reader: str, kind: str, outcome: Outcome, world: World) -> Case:
    end, _, words = outcome.end.partition("\n")
    if escaped := world.escaped():
        end, words = OUTSIDE, ", ".join(escaped)
    return Case(reader, kind, end, words or outcome.words, outcome.seconds, outcome.megabytes)


def of_keys(count: int, rng: random.Random, world: World) -> Iterator[Case]:
    """Yield the cases of both readers of keys, each alone below a prefix of its own."""
    with tempfile.TemporaryDirectory() as folder, LocalAws(cache_folder=Path(folder)) as aws:
        client: Any = boto3.Session(**aws.key.arguments(), region_name=aws.region).client
        s3, bucket = client("s3", endpoint_url=aws.endpoint_url), aws.outputs["OutputBucketName"]
        os.environ.update(aws.environment())
        pipeline = Pipeline(aws.outputs)
        for number in range(count):
            run_id, key = f"case-{number}", names(rng, world.path)
            s3.put_object(Bucket=bucket, Key=f"runs/{run_id}/{key}", Body=b"")
            uri = f"s3://{bucket}/{runs.key(run_id, '')}"
            for reader, bring in (
                ("fetch", partial(pipeline.fetch, run_id, world.target)),
                ("fill", partial(storage.fetch_all, s3, uri, world.target)),
            ):
                yield _brought(reader, key, bring, world)


def _brought(reader: str, key: str, bring: Callable[[], object], world: World) -> Case:
    kind = "an absolute key" if key.startswith("/") else "a key"
    try:
        bring()
        outcome = Outcome(f"{INSIDE}\n", "", 0.0, 0.0)
    except InvalidResult as error:
        outcome = Outcome(f"{REFUSED}\n{error}", "", 0.0, 0.0)
    except Exception as error:  # noqa: BLE001 - whatever has no name is what is looked for
        outcome = Outcome(UNNAMED, f"{type(error).__name__}: {error}", 0.0, 0.0)
    return _case(reader, kind, outcome, world)


def table_of(cases: Sequence[Case]) -> Table:
    """Return how the cases of each kind ended, and what they took at most."""
    ends = (REFUSED, INSIDE, OUTSIDE, UNNAMED)
    table = Table("reader", "tried", "cases", *ends, "seconds", "MB")
    for key in sorted(
        {(case.reader, case.kind) for case in cases}, key=lambda k: (READERS.index(k[0]), k)
    ):
        table.add_row(*key, *_counts([case for case in cases if case[:2] == key], ends))
    table.add_row("all", "", *_counts(cases, ends))
    return table


def _counts(cases: Sequence[Case], ends: Sequence[str]) -> Iterator[str]:
    counted = Counter(case.end for case in cases)
    yield str(counted.total())
    yield from (str(counted[end]) for end in ends)
    yield f"{max(case.seconds for case in cases):.2f}"
    yield f"{max(case.megabytes for case in cases):.0f}"


@click.command()
@click.option("--archives", "of_each", default=60, show_default=True, type=click.IntRange(min=10))
@click.option("--keys", default=50, show_default=True, type=click.IntRange(min=1))
@options.seed
@options.json_file
def main(*, of_each: int, keys: int, seed: int, json_file: Path | None) -> None:
    """Print how the cases ended; exit with 1 if one got out, had no name or was too large."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder, "world"))
        cases = [*of_archives(of_each, rng, world), *of_keys(keys, rng, world)]
    for case in cases:
        if case.is_broken:
            print(
                f"{case.reader}, {case.kind}: {case.end}, {case.seconds:.1f} s, "
                f"{case.megabytes:.0f} MB: {case.words}"
            )
    Console(width=None if sys.stdout.isatty() else 110).print(table_of(cases))
    options.write(json_file, {"seed": seed, "cases": [case._asdict() for case in cases]})
    sys.exit(any(case.is_broken for case in cases))


if __name__ == "__main__":
    main()
