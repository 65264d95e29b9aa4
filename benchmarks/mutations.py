"""Whether anything that comes in ends without a name: ``python -m benchmarks.mutations``.

    requests    examples of events/requests, mutated: read in turn by ``qpipe validate`` and by
                Prepare, by its event or from the input bucket, and as the job reads what it stores
    packs       its packs, mutated: read by ``qpipe validate``
    texts       graphs, QUBOs and molecules in text files, damaged: read by ``qpipe validate``
    events      events/functions, mutated: each goes to its function
    arguments   command lines of qpipe, mutated
    results, checkpoints    what jobs have written, see ``benchmarks.mutated_files``

All run against the AWS of this machine. A case has to end well or with one of the pipeline's
errors, in 2 s of processor time and 500 MB of memory, the Python that it runs in included
(``benchmarks.watched``). What does not is printed with the number that makes it again, and the
command exits with 1.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import click

from benchmarks import mutated_files, mutating, options
from benchmarks.watched import UNNAMED, Outcome, Watched

PROJECT = Path(__file__).resolve().parents[1]
EVENTS = PROJECT / "events"

MOST_SECONDS = 2.0
MOST_MEGABYTES = 500.0

INLINE_BYTES = 240 * 1024
"""Largest request that an execution's input carries; a larger problem is put into the bucket."""

LONGEST_MESSAGE = 10_000
"""Characters of an error: Step Functions passes 32,768 on, escapes and stack trace included."""

FUNCTIONS = {
    "prepare": "PrepareFunction",
    "submit": "SubmitFunction",
    "monitor": "MonitorFunction",
    "post_process": "PostProcessFunction",
    "cancel": "CancelFunction",
    "plan_round": "PlanRoundFunction",
    "summarise": "SummariseFunction",
    "stop_runs": "StopRunsFunction",
    "sweep": "SweepFunction",
}


class Kind(NamedTuple):
    """What is mutated: cases from random numbers, and what reads them, in turn."""

    cases: Callable[[Random, int], bytes]
    readers: tuple[Callable[[bytes], str], ...]


# --- the cases -----------------------------------------------------------------------------------


def request_case(rng: Random, number: int) -> bytes:
    """Return the bytes of a mutated request; every fifth is one that was wrong before."""
    return _example_case(rng, number, packs=False)


def pack_case(rng: Random, number: int) -> bytes:
    """Return the bytes of a mutated pack, likewise."""
    return _example_case(rng, number, packs=True)


def _example_case(rng: Random, number: int, *, packs: bool) -> bytes:
    names = sorted(file.name for file in (EVENTS / "requests").glob("*.json"))
    names = [name for name in names if ("pack_" in name) is packs]
    wrong = [name for name in names if name.startswith("invalid_")]
    right = [name for name in names if name not in wrong]
    turn, kind = divmod(number, 5)
    name = rng.choice(wrong) if kind == 4 else right[(4 * turn + kind) % len(right)]
    content = (EVENTS / "requests" / name).read_bytes()
    try:
        value = json.loads(content)
    except ValueError:
        return mutating.damaged(content, rng)
    return mutating.mutated(value, rng) if rng.random() < 0.85 else mutating.damaged(content, rng)


def text_case(rng: Random, number: int) -> bytes:
    """Return a suffix, a line feed, and the damaged content of a text file of that form."""
    forms = list(text_examples())
    suffix, content = forms[number % len(forms)]
    suffix = rng.choice((suffix, suffix, suffix, ".txt"))
    return suffix.encode() + b"\n" + mutating.damaged(content, rng)


def text_examples() -> Iterator[tuple[str, bytes]]:
    """Yield the problems of events/requests that a text file can hold, with its suffix."""
    for file in sorted((EVENTS / "requests").glob("[!i]*.json")):
        problem = json.loads(file.read_bytes()).get("problem")
        match problem:
            case {"type": "maxcut", "edges": [*edges]}:
                lines = [" ".join(str(each + 1 if k < 2 else each) for k, each in enumerate(edge))
                         for edge in edges]  # fmt: skip
                n = 1 + max(max(edge[:2]) for edge in edges)
                yield ".mc", "\n".join([f"{n} {len(lines)}", *lines, ""]).encode()
            case {"type": "qubo", "linear": [*linear], "quadratic": [*pairs]}:
                terms = [[i, i, value] for i, value in enumerate(linear)] + pairs
                lines = [" ".join(map(str, term)) for term in terms]
                yield ".coo", "\n".join(["# vartype=BINARY", *lines, ""]).encode()
            case {"type": "chemistry", "geometry": [*nuclei]}:
                lines = [f"{element} {' '.join(map(str, at))}" for element, at in nuclei]
                yield ".xyz", "\n".join([str(len(lines)), "a comment", *lines, ""]).encode()
    yield (
        ".gml",
        b"graph [\n node [ id 0 ]\n node [ id 1 ]\n edge [ source 0 target 1 weight 2 ]\n]\n",
    )
    yield (
        ".graphml",
        (
            b'<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/>'
            b'<edge source="a" target="b"/></graph></graphml>'
        ),
    )
    yield ".mtx", b"%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 -1\n1 2 3\n"
    yield ".csv", b"source,target,weight\na,b,1\nb,c,2\n"
    yield ".qubo", b"p qubo 0 2 1 1\n0 0 -1\n0 1 2\n"
    yield ".col", b"c a path\np edge 3 2\ne 1 2\ne 2 3\n"
    yield ".metis", b"3 2\n2\n1 3\n2\n"
    yield ".coo", b"# vartype=SPIN\n0 0 0.5\n0 1 -1\n1 2 1\n2 0 1e-3\n"
    yield ".cnf", b"c two\np cnf 3 2\n1 -2 0\n2 3 0\n"
    yield ".wcnf", b"2 1 -2 0\nh 2 3 0\n"
    yield (
        ".tsp",
        (
            b"NAME : t\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EUC_2D\n"
            b"NODE_COORD_SECTION\n1 0 0\n2 3 0\n3 0 4\nEOF\n"
        ),
    )
    yield (
        ".atsp",
        (
            b"DIMENSION : 3\nEDGE_WEIGHT_TYPE : EXPLICIT\nEDGE_WEIGHT_FORMAT : FULL_MATRIX\n"
            b"EDGE_WEIGHT_SECTION\n0 1 2\n2 0 1\n3 1 0\nEOF\n"
        ),
    )
    yield (
        ".lp",
        (
            b"Maximize\n o: 3 x + 2 n + [ 2 x * y - n ^ 2 ] / 2\nSubject To\n c: x + y + n <= 3\n"
            b" -1 <= x - y <= 1\nBounds\n n >= -1\nGeneral\n n\nBinary\n x y\nEnd\n"
        ),
    )
    yield ".fcidump", b"&FCI NORB=2,NELEC=2,MS2=0,\n &END\n4D0 1 1 1 1\n4 2 2 2 2\n-1 2 1 0 0\n"
    yield ".xyz", b"3\nwater\nO 0 0 0\nH 0.76 0 0.59\nH -0.76 0 0.59\n"
    yield ".xyz", b"\n".join([b"50", b"argon", *(b"Ar 0 0 %d" % (4 * k) for k in range(50))])


def event_case(rng: Random, number: int) -> bytes:
    """Return a function's name, a line feed, and a mutated event for it; at times another's."""
    files = sorted((EVENTS / "functions").glob("*.json"))
    file = files[number % len(files)]
    own = next(name for name in FUNCTIONS if file.stem.startswith(name))
    function = own if rng.random() < 0.9 else rng.choice(list(FUNCTIONS))
    event = json.loads(file.read_bytes())
    return function.encode() + b"\n" + mutating.mutated(event, rng)


def argument_case(rng: Random, number: int) -> bytes:
    """Return a command line of qpipe, as JSON, of which one argument is another."""
    example = str(EVENTS / "requests" / "maxcut_petersen.json")
    lines = (
        ["validate", example],
        ["validate", example, "--device", "garnet"],
        ["estimate", example, "--json"],
        ["estimate", example, "--device", "sv1"],
        ["env", "--endpoint", "http://127.0.0.1:5055"],
        ["devices", "--json"],
        ["run", example, "--output", "/proc/none", "--device", "nothing"],
    )
    line = list(lines[number % len(lines)])
    words = (*mutating.WORDS, *map(json.loads, mutating.TEXTS), *map(str, mutating.OTHERS))
    place = rng.randrange(len(line) + 1)
    word = rng.choice(words).replace("\0", "").encode("utf-8", "surrogatepass")
    line[place : place + rng.choice((0, 1, 1))] = [os.fsdecode(word)]
    return json.dumps(line).encode()


# --- what reads them -----------------------------------------------------------------------------


def validate(content: bytes) -> str:
    """Read a request as ``qpipe validate FILE`` does."""
    return _qpipe_on("request.json", content)


def validate_text(case: bytes) -> str:
    """Read a text file as ``qpipe validate FILE`` does."""
    suffix, _, content = case.partition(b"\n")
    return _qpipe_on(f"problem{suffix.decode()}", content)


def qpipe(case: bytes) -> str:
    """Call the command with its arguments, wherever it could not reach beyond this machine."""
    return _qpipe(json.loads(case))


def prepare(case: bytes) -> str:
    """Have Prepare read what ``sent`` returns, and read what it stores as the job does."""
    how, _, content = case.partition(b"\n")
    event = json.loads((EVENTS / "functions" / "prepare.json").read_bytes())
    event["request"] = json.loads(content) if how == b"inline" else _by_reference(content)
    answer = _handled("prepare", event)
    if answer == "":
        from quantum_pipeline import runs
        from quantum_pipeline.aws import storage
        from quantum_pipeline.planning.prepared import PreparedRun
        from quantum_pipeline.problems import BinaryProblem

        key = runs.key(event["run_id"], runs.PREPARED)
        stored = storage.need_model(os.environ["OUTPUT_BUCKET"], key, PreparedRun)
        if isinstance(stored.request.problem, BinaryProblem):
            _ = stored.ising
    return answer or "accepted"


def function(case: bytes) -> str:
    """Give an event to a function."""
    name, _, content = case.partition(b"\n")
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        return "no event"  # Lambda's runtime refuses it before the function
    return _handled(name.decode(), event) or "accepted"


def sent(content: bytes) -> bytes:
    """Return a request as its client sends it: inline, or with its problem in an object.

    What is no JSON is such an object as it is: Step Functions takes it as no input.
    """
    try:
        value = json.loads(content)
        if len(content) <= INLINE_BYTES:
            return b"inline\n" + content
        content = json.dumps(value["problem"]).encode() if "problem" in value else content
    except (ValueError, TypeError, RecursionError):
        pass
    return b"object\n" + content


def _by_reference(content: bytes) -> Any:
    """Put an object into the input bucket; return the request that refers to it."""
    from quantum_pipeline.aws.clients import client

    bucket = os.environ["INPUT_BUCKET"]
    client("s3").put_object(Bucket=bucket, Key="problem.json", Body=content)
    return {"problem": {"uri": f"s3://{bucket}/problem.json"}}


def _handled(name: str, event: Any) -> str:
    """Return the name of the error that a function raises, none if it answers."""
    from quantum_pipeline.errors import PipelineError

    module = importlib.import_module(name)
    context = SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=1024,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        aws_request_id="1",
    )
    try:
        answer = module.handler(event, context)
    except PipelineError as error:
        _check_said(str(error))
        return type(error).__name__
    json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    return ""


def _qpipe_on(name: str, content: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        return _qpipe(["validate", str(file)])


def _qpipe(arguments: list[str]) -> str:
    """Return how the command exits: "accepted", or the name at the head of what it says."""
    from quantum_pipeline.cli.entry import main

    buffer, printed = io.BytesIO(), io.BytesIO()
    with _utf8(printed, buffer) as (out, said):
        try:
            main(arguments, prog_name="qpipe")
        except SystemExit as status:
            out.flush()
            if not status.code:
                return "accepted"
        said.flush()
        text, answer = buffer.getvalue().decode(), printed.getvalue()
    if text.startswith("Usage:"):
        return "usage"
    _check_said(text)
    return _name_of(text) or json.loads(answer)["error"]


def _name_of(text: str) -> str:
    """Return the name of the error that stands in what was said, behind notes; "" of none."""
    from quantum_pipeline.errors import ERRORS

    names = (line.partition(":")[0] for line in text.splitlines())
    return next((name for name in names if name in ERRORS), "")


@contextmanager
def _utf8(
    printed: io.BytesIO, errors: io.BytesIO
) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Print as into a terminal of UTF-8, whose stdout takes no half characters."""
    out = io.TextIOWrapper(printed, "utf-8", "strict")
    said = io.TextIOWrapper(errors, "utf-8", "backslashreplace")
    with redirect_stdout(out), redirect_stderr(said):
        yield out, said


def _check_said(text: str) -> None:
    """Refuse a message that AWS cuts off or cannot carry."""
    text.encode()
    if len(text) > LONGEST_MESSAGE:
        raise ValueError(f"a message of {len(text)} characters: {text[:200]}")


KINDS = {
    "requests": Kind(request_case, (validate, prepare)),
    "packs": Kind(pack_case, (validate,)),
    "texts": Kind(text_case, (validate_text,)),
    "events": Kind(event_case, (function,)),
    "arguments": Kind(argument_case, (qpipe,)),
}


def ready() -> None:
    """Import what a warm function or command has imported, before the cases are forked."""
    sys.path.insert(0, str(PROJECT / "functions"))
    for name in (*FUNCTIONS, "quantum_pipeline.cli.validating", "quantum_pipeline.files.reading"):
        importlib.import_module(name)
    from quantum_pipeline.aws.clients import client

    for service in ("s3", "braket", "sns", "stepfunctions", "lambda"):
        client(service)
    for example in ("maxcut_on_garnet.json", "chemistry_lih.json", "invalid_wrong_types.json"):
        validate((EVENTS / "requests" / example).read_bytes())


@contextmanager
def aws(folder: Path) -> Iterator[dict[str, str]]:
    """Run the AWS of this machine; yield the environment that its functions have together."""
    from quantum_pipeline.local.aws import LocalAws, read_stack

    with LocalAws(cache_folder=folder) as stack:
        environment = dict(stack.environment())
        for each in read_stack().functions:
            environment |= each.environment
        yield environment


def attack(
    kind: str, numbers: range, seed: int, folder: Path
) -> Iterator[tuple[int, str, Outcome]]:
    """Yield each case's number, the function that read it, and how that ended."""
    if kind in mutated_files.KINDS:
        yield from mutated_files.attack(kind, numbers, seed, folder)
        return
    made = KINDS[kind]
    with aws(folder) as environment, Watched(_named, ready, environment) as watched:
        for number in numbers:
            case = made.cases(mutating.generator(seed, number), number)
            reader = made.readers[number % len(made.readers)].__name__
            case = sent(case) if reader == prepare.__name__ else case
            yield number, reader, watched(reader.encode() + b"\n" + case)


def _named(case: bytes) -> str:
    name, _, content = case.partition(b"\n")
    call: Callable[[bytes], str] = globals()[name.decode()]
    return call(content)


def broken(outcome: Outcome) -> str:
    """Return what a case breaks, nothing where it is as promised."""
    if outcome.end == UNNAMED:
        return outcome.words
    if outcome.seconds > MOST_SECONDS:
        return f"{outcome.seconds:.1f} s"
    return f"{outcome.megabytes:.0f} MB" if outcome.megabytes > MOST_MEGABYTES else ""


@dataclass
class Summary:
    """What became of the cases so far; the extremes with the numbers of their cases."""

    ends: Counter[str] = field(default_factory=Counter)
    found: list[dict[str, Any]] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    largest: tuple[float, int] = (0.0, 0)

    def add(self, number: int, reader: str, outcome: Outcome) -> str:
        """Count a case; return what it breaks."""
        self.ends[f"{reader}: {outcome.end}"] += 1
        self.slowest = max(self.slowest, (outcome.seconds, number))
        self.largest = max(self.largest, (outcome.megabytes, number))
        if words := broken(outcome):
            self.found.append({"number": number, "reader": reader, "words": words})
        return words

    def show(self, of: str) -> None:
        for end, times in self.ends.most_common():
            print(f"{times:7,} {end}")
        (seconds, slow), (megabytes, large) = self.slowest, self.largest
        print(
            f"{self.ends.total():,} {of}: {len(self.found)} findings; at most {seconds:.2f} s "
            f"(case {slow}), {megabytes:.0f} MB (case {large})"
        )


@click.command()
@click.option("--kind", type=click.Choice([*KINDS, *mutated_files.KINDS]), required=True)
@click.option("--count", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--first", default=0, show_default=True, help="Number of the first case.")
@options.seed
@options.json_file
def main(*, kind: str, count: int, first: int, seed: int, json_file: Path | None) -> None:
    """Print how the cases ended, what they took at most, and those that broke a promise.

    An interruption prints those that were read until then.
    """
    summary, started = Summary(), time.perf_counter()
    numbers = range(first, first + count)
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        for number, reader, outcome in attack(kind, numbers, seed, Path(folder)):
            if words := summary.add(number, reader, outcome):
                print(f"{kind} {number} of seed {seed}, {reader}: {words}", flush=True)
    summary.show(f"{kind} of seed {seed} in {time.perf_counter() - started:.0f} s")
    figures = {"kind": kind, "first": first, "seed": seed, **vars(summary)}
    options.write(json_file, figures)
    sys.exit(1 if summary.found else 0)


if __name__ == "__main__":
    main()
