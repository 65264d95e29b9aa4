"""Commands of ``qpipe``: check a problem, price it, list devices, serve the AWS; and one run."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import cache, partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from quantum_pipeline.cli import console, entry, problem_file
from quantum_pipeline.cli.compact_json import compact
from quantum_pipeline.cli.options import Asking, asking
from quantum_pipeline.cli.packing import gathered
from quantum_pipeline.cli.problem_file import label_of
from quantum_pipeline.cli.progress import ProgressLine, progress
from quantum_pipeline.cli.stack import stack_option
from quantum_pipeline.devices.catalogue import Device, catalogue
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, PipelineError
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.local.places import cache_folder
from quantum_pipeline.planning.costs import FREE, InstancePrice
from quantum_pipeline.planning.device import candidates, needs_device
from quantum_pipeline.planning.expected import expected_seconds
from quantum_pipeline.planning.preparation import check, check_budget, prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.pack import MOST_USD, Pack, StoredPack, of_run, parse_input, said_of
from quantum_pipeline.requests.request import (
    ProblemReference,
    Request,
    ResolvedRequest,
)
from quantum_pipeline.studies.study import Study, is_study, parse_study
from quantum_pipeline.wording import digits

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline
    from quantum_pipeline.planning.estimates import Estimate
    from quantum_pipeline.planning.pack_estimate import PackEstimate
    from quantum_pipeline.planning.packs import PreparedPack
    from quantum_pipeline.studies.estimate import StudyEstimate

    AnyEstimate = Estimate | PackEstimate | StudyEstimate

FILES = click.argument(
    "files", type=click.Path(path_type=Path, allow_dash=True), nargs=-1, required=True
)
RUNS = Path("runs")
"""Where runs are on this machine, unless another folder is named."""

AS_JSON = click.option(
    "--json", "as_json", is_flag=True, callback=entry.note_json, help="Print JSON on stdout."
)

CANCEL_ON_INTERRUPT = click.option(
    "--cancel-on-interrupt", is_flag=True, help="Cancel the run's job on Ctrl-C without asking."
)

STARTING_SECONDS = 4.0
"""Of an expected time: what this machine takes beside the job, from its AWS to the report."""

HERE = {
    "JobInstanceUsdPerHour": "0",
    "JobInstancePriceAsOf": FREE,
    "PollsAtOnce": "20",
    "ReservedConcurrency": "4",
}
"""Parameters of the stack on this machine, where nothing is billed and nobody counts calls; each
process of a function takes 80 MB, so they are few."""


main = entry.main
"""The group, with the commands of this module."""


def start(
    request: Request, label: str, *, stack: str | None, output: Path, as_json: bool, cancel: bool
) -> None:
    """Take a request through the pipeline and print its report; ``label`` begins the run's name."""
    ready = check_before(request, stack)  # what can be refused is refused before anything starts
    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415 - boto3 takes a while
    from quantum_pipeline.cli.client import Pipeline  # noqa: PLC0415

    with (
        folders_for_runs(output, stack),
        progress(ready.expected_seconds) as line,
        named_errors(),
        outputs_of(stack, output, line, on_devices=bool(ready.where)) as outputs,
    ):
        folder = _follow(
            pipeline_of(stack) if stack else Pipeline(outputs),
            ready,
            label,
            output,
            line=line,
            cancel=cancel or not stack,
            lasts=stack is not None,
        )
    console.result(folder, as_json=as_json)


@main.command(short_help="Check requests; print them with their defaults.")
@FILES
@asking
def validate(files: tuple[Path, ...], asking: Asking) -> None:
    """Print the request, or the pack, in FILES with every default filled in, or what is wrong.

    What is wrong with it is said instead. Several files are printed as the pack that they make.
    """
    found = anything_in(files, asking)
    if isinstance(found, Study):
        from quantum_pipeline.studies.checks import check as check_study  # noqa: PLC0415

        check_study(found, priced)
        click.echo(compact(found.model_dump(mode="json", by_alias=True, exclude_none=True)))
        return
    (_, asked), *alone = found
    if alone:
        allowed = "requests that can share one job, or one file"
        raise InvalidRequest(f"FILES: they make no pack; allowed: {allowed}")
    if isinstance(asked, Request):
        stored = isinstance(asked.problem, ProblemReference)
        data = _filled_in(asked if stored else prepared(asked).request)
    else:
        data = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
        if isinstance(asked, Pack) and not _refers(asked):
            pack = _prepared_pack(asked)
            data["limits"] = pack.limits.model_dump()
            data["pack"] = [
                {"name": run.name, "request": _filled_in(run.found.request)} for run in pack.runs
            ]
    click.echo(compact(data))


Asked = Request | Pack | StoredPack


def asked_in(files: tuple[Path, ...], asking: Asking) -> list[tuple[str, Asked]]:
    """Return what is asked in a file; of several the pack that they make, and what has no place.

    Each comes after what its execution's name begins with.

    Raises:
        InvalidRequest: as ``load``; of several files, after the name of the file; it is a study.
    """
    found = anything_in(files, asking)
    if isinstance(found, Study):
        allowed = "a request or a pack; qpipe study takes a study"
        raise InvalidRequest(f"{files[0]}: is a study; allowed: {allowed}")
    return found


def anything_in(files: tuple[Path, ...], asking: Asking) -> list[tuple[str, Asked]] | Study:
    """Return ``asked_in``, or the study that is asked in a file.

    Raises:
        InvalidRequest: as ``asked_in``; or as ``parse_study``.
    """
    if len(files) == 1:
        data = read(files[0], asking)
        if is_study(data):
            for path, value in asking.changes.values.items():
                field = "--device" if path == "device" else path
                allowed = "nothing with a study: its base or what varies has it"
                raise InvalidRequest.of(field, value, allowed)
            return parse_study(data)
        asked = load(data)
        return [(asked.name or label_of(files[0]), asked)]
    requests: list[tuple[Path, Request]] = []
    for file in files:
        data = read(file, asking)
        with said_of(str(file)):
            each = parse_input(data)
            if not isinstance(each, Request):
                raise InvalidRequest("is a pack; allowed: requests, or one pack alone")
        requests.append((file, each))
    pack, alone = gathered(requests)
    for lone in alone:
        console.note(f"{lone.file}: in a job of its own, since {lone.because}")
    of_alone = ((lone.request.name or label_of(lone.file), lone.request) for lone in alone)
    return [*([("pack", pack)] if pack else []), *of_alone]


def _filled_in(found: Request) -> dict[str, Any]:
    """Return a request as it is printed."""
    data: dict[str, Any] = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(found, ResolvedRequest) and found.mitigation.zne == "none":
        del data["mitigation"]["scales"]  # what does not apply has its default when it is read
    return data


@main.command(short_help="Print what runs would take and cost.")
@FILES
@asking
@AS_JSON
def estimate(files: tuple[Path, ...], asking: Asking, as_json: bool) -> None:
    """Print qubits, memory, time and cost of what is asked in FILES; nothing is submitted.

    Of several files, those that can share a job are estimated as a pack. A study is estimated as
    a whole. The exit status is 3 if anything would be refused for its cost.
    """
    asked = anything_in(files, asking)
    found: list[tuple[AnyEstimate, Callable[[], None]]]
    if isinstance(asked, Study):
        found = [_estimated_study(asked)]
    else:
        found = [
            _estimated(each) if isinstance(each, Request) else _estimated_pack(each)
            for _, each in asked
        ]
    console.estimates([shown for shown, _ in found], as_json=as_json)
    entry.answered()
    for _, check_cost in found:
        check_cost()


def _estimated(request: Request) -> tuple[Estimate, Callable[[], None]]:
    """Return an estimate, and what refuses it for its cost."""
    from quantum_pipeline.planning.estimates import estimate as estimated  # noqa: PLC0415

    found = priced(request)
    return estimated(found), partial(check_budget, found)


def _estimated_study(asked: Study) -> tuple[StudyEstimate, Callable[[], None]]:
    from quantum_pipeline.studies.checks import check, check_asked  # noqa: PLC0415
    from quantum_pipeline.studies.estimate import estimate as estimated  # noqa: PLC0415

    check_asked(asked)
    return estimated(asked, priced), partial(check, asked, priced)


def priced(request: Request) -> Preparation:
    """Return a request as AWS would prepare it, above its limit on cost as well.

    Raises:
        InvalidRequest: its problem is stored elsewhere; or as ``prepare``.
    """
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest("problem.uri: not read here; allowed: a problem in the file itself")
    return prepared(request, within_budget=False)


def _estimated_pack(asked: Pack | StoredPack) -> tuple[PackEstimate, Callable[[], None]]:
    from quantum_pipeline.planning.pack_estimate import estimate_pack  # noqa: PLC0415
    from quantum_pipeline.planning.packs import check_budgets  # noqa: PLC0415

    if isinstance(asked, StoredPack):
        raise InvalidRequest("pack.uri: not read here; allowed: the runs in the file itself")
    if refers := _refers(asked):
        with of_run(refers):
            raise InvalidRequest("problem.uri: not read here; allowed: a problem in the file")
    found = _prepared_pack(asked, within_budget=False)
    return estimate_pack(found), partial(check_budgets, found)


def _refers(pack: Pack) -> str | None:
    """Return the name of the first run whose problem is stored elsewhere, if there is one."""
    stored = (run.name for run in pack.pack if isinstance(run.request.problem, ProblemReference))
    return next(stored, None)


@main.command(short_help="List the devices, usable ones first.")
@stack_option("List the devices on AWS that this CloudFormation stack can reach.")
@AS_JSON
def devices(stack: str | None, as_json: bool) -> None:
    """List the devices: local first, then those that take tasks now, then the others.

    Without --stack they are those of the AWS on this machine, where all QPUs are emulated.
    """
    from quantum_pipeline.devices.listing import listed  # noqa: PLC0415

    found = catalogue().devices
    states = _states_of_stack(stack, found) if stack else _local_states(found)
    console.devices(listed(found, states, datetime.now(UTC)), as_json=as_json)


@main.command(short_help="Serve the pipeline's AWS on 127.0.0.1.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=RUNS,
    show_default=True,
    help="Folder whose catalogue remembers the runs; their files are gone with the AWS.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1; a free one by default.",
)
def serve(output: Path, port: int) -> None:
    """Serve the pipeline's AWS on this machine to any AWS client, until Ctrl-C."""
    from quantum_pipeline.local.aws import LocalAws  # noqa: PLC0415

    make_folder("QPIPE_CACHE", cache_folder())
    try:
        with (
            _own_settings(),
            LocalAws(
                cache_folder=cache_folder(),
                parameters=HERE,
                port=port,
                remember=partial(_remember, output),
                recall=partial(_recall, output),
            ) as aws,
        ):
            try:
                console.serving(aws.environment(), aws.outputs)
                while True:  # a pause would miss a signal that comes just before it
                    time.sleep(1.0)
            except KeyboardInterrupt:
                console.note("stopping")
    except OSError as error:
        allowed = f"a free port ({error.strerror})"
        raise InvalidRequest.of("--port", port, allowed) from None


@main.command(short_help="Print variables for `sam local invoke`.")
@stack_option("Variables of this CloudFormation stack on AWS.")
@click.option(
    "--endpoint", help="Variables for `qpipe serve`, at this URL as seen from a container."
)
def env(stack: str | None, endpoint: str | None) -> None:
    """Print the functions' environment variables, as `sam local invoke --env-vars` takes them."""
    if stack is not None and endpoint is None:
        variables = _variables_of_stack(stack)
    elif endpoint is not None and stack is None:
        variables = _variables_served(endpoint)
    else:
        raise click.UsageError("Give one of --stack and --endpoint.")
    click.echo(compact(variables))


def _follow(
    pipeline: Pipeline,
    ready: Ready,
    label: str,
    output: Path,
    *,
    line: ProgressLine,
    cancel: bool,
    lasts: bool,
) -> Path:
    """Start a run, show its progress, and return the folder of its report.

    Its records are fetched when it fails, too; an interruption stops it and exits with 130.
    """
    from quantum_pipeline.cli.client import OutputNotWritten, run_id_of  # noqa: PLC0415
    from quantum_pipeline.local.running import marked  # noqa: PLC0415

    execution = ""
    fetch = partial(fetch_files, pipeline, output=output, lasts=lasts)
    with ExitStack() as going_on:
        try:
            execution = pipeline.start(body_of(ready.asked), label)
            if not lasts:
                going_on.enter_context(marked(output, run_id_of(execution)))
            console.note(f"run {run_id_of(execution)}")
            for found in pipeline.watch(execution, every_seconds=looks_every(lasts=lasts)):
                line.update(found, ready.where)
            line.say("fetching the report")
            return fetch(run_id_of(execution))
        except KeyboardInterrupt:
            if execution:
                _interrupted(pipeline, execution, fetch, line, cancel=cancel)
            sys.exit(130)
        except OutputNotWritten:
            raise
        except PipelineError:
            if execution:
                _note_records(execution, fetch)
            raise


def looks_every(*, lasts: bool) -> float:
    """Return the seconds between two looks at a run: AWS, which ``lasts``, is asked less often."""
    return 0.6 if lasts else 0.1


def body_of(asked: Asked) -> dict[str, Any]:
    """Return the input of an execution: what was left open of a limit on cost stays open."""
    body = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    if not _has_cap(asked):
        body["limits"].pop("max_cost_usd")
    return body


def _has_cap(asked: Asked) -> bool:
    return "max_cost_usd" in asked.limits.model_fields_set


def fetch_files(
    pipeline: Pipeline, run_id: str, *, output: Path, lasts: bool, with_log: bool = True
) -> Path:
    """Return the folder with a run's files.

    Raises:
        OutputNotWritten: they cannot be written there, and are kept where it says: on AWS, which
            ``lasts``, where they are; of the AWS on this machine in another folder.
    """
    from quantum_pipeline.cli.client import OutputNotWritten  # noqa: PLC0415
    from quantum_pipeline.local.run_folder import record_of_folder  # noqa: PLC0415

    try:
        folder = pipeline.fetch(run_id, output, with_log=with_log)
    except OutputNotWritten as error:
        kept = f"in {pipeline.uri(run_id)}" if lasts else _kept_elsewhere(pipeline, run_id)
        raise OutputNotWritten(f"{error}; the result is kept {kept}") from error
    if record := record_of_folder(folder):
        _remember(output, record)
    return folder


def _remember(output: Path, record: str) -> None:
    """Put a record into the catalogue of a folder of runs; where that fails, a list reads it in."""
    with suppress(OSError):
        CatalogueFile(output).add(record)


def _recall(output: Path) -> Iterator[bytes]:
    """Return the records of a folder of runs, the newest first; runs without one are read in."""
    file = CatalogueFile(output)
    with suppress(OSError):
        file.read_in()
    return file.newest_first()


def _kept_elsewhere(pipeline: Pipeline, run_id: str) -> str:
    """Write a run's files where there is room; where there is none, its report to stdout."""
    from quantum_pipeline.cli.client import OutputNotWritten  # noqa: PLC0415
    from quantum_pipeline.runs import ENDS  # noqa: PLC0415

    for folder in (Path(tempfile.gettempdir()), cache_folder(), Path.home()):
        with suppress(OutputNotWritten):
            return f"in {pipeline.fetch(run_id, folder / 'quantum-pipeline-runs')}"
    for name in pipeline.names(run_id):
        if name in ("report.json", *ENDS):
            click.echo(pipeline.read(run_id, name))
    return "on stdout, since no other folder can be written to either"


def _note_records(execution: str, fetch: Callable[[str], Path]) -> None:
    """Say where the records of a run are that has no report."""
    from quantum_pipeline.cli.client import OutputNotWritten, run_id_of  # noqa: PLC0415

    try:
        console.note(f"records  {fetch(run_id_of(execution))}")
    except OutputNotWritten as error:  # what ended the run is said as well, and counts
        console.error(type(error).__name__, str(error))


def _interrupted(
    pipeline: Pipeline,
    execution: str,
    fetch: Callable[[str], Path],
    line: ProgressLine,
    *,
    cancel: bool,
) -> None:
    """Stop the run and see its job cancelled, or leave it running where the user says so."""
    with line.paused():
        stop = is_cancelled_for_good(cancel=cancel)
    if not stop:
        console.note(f"left running: {execution}")
        return
    line.say("stopping the run and its job")
    pipeline.stop(execution)
    console.note("cancelled, with its job" if pipeline.wait_for_end(execution) else "stopped")
    _note_records(execution, fetch)


def is_cancelled_for_good(*, cancel: bool) -> bool:
    """Return whether what was interrupted is to be cancelled, by an option or by its user."""
    try:
        return cancel or click.confirm("\nCancel the run and its job?", default=True, err=True)
    except click.Abort:  # nobody can answer, or the answer was Ctrl-C again
        return False


@contextmanager
def folders_for_runs(output: Path, stack: str | None) -> Iterator[None]:
    """Make the folder of ``--output``, and of what is kept here where runs are of this machine.

    Of the former is removed after the body what nothing came into.
    """
    if stack is None:
        make_folder("QPIPE_CACHE", cache_folder())
    missing = [each for each in (output, *output.parents) if not each.exists()]
    make_folder("--output", output)
    try:
        yield
    finally:
        with suppress(OSError):
            for each in missing:
                each.rmdir()


def make_folder(field: str, folder: Path) -> None:
    """Make a folder, and see that files can be written there, before anything runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        allowed = f"a folder that can be written to ({error.strerror})"
        raise InvalidRequest.of(field, str(folder), allowed) from None


def load(data: Any) -> Asked:
    """Return the request, or the pack, of JSON, and say what may not be meant as it is written.

    Raises:
        InvalidRequest: it is neither.
    """
    asked = parse_input(data)
    if isinstance(asked, Request) and not isinstance(asked.problem, ProblemReference):
        for each in asked.problem.warnings:
            console.note(f"warning: {each}")
    return asked


def read(file: Path, asking: Asking) -> Any:
    """Return what a file of any form holds, as JSON, with what options change of it.

    Raises:
        InvalidRequest: no such file, too large, of no such form, or not to be changed so.
    """
    return asking.changes.of(problem_file.read(file, asking.how))


class Ready(NamedTuple):
    """What passed all checks that can be made before it starts.

    ``where`` says what a run is on, for its progress, ``expected_seconds`` how long it should take.
    """

    asked: Asked
    where: str = ""
    expected_seconds: float | None = None


def check_before(asked: Asked, stack: str | None) -> Ready:
    """Refuse what would be refused, and return what is to be started.

    A run on a device is checked against its cost on AWS: what passes here passes there. The state
    of a stack's own devices is checked by its Prepare. Of a pack each run is checked.
    """
    if isinstance(asked, Request):
        return _check(asked, stack)
    if isinstance(asked, Pack) and not _refers(asked):
        if stack is None:
            _prepared_pack(asked, billed=False)
        else:
            for run in asked.pack:
                with of_run(run.name):
                    check(run.request)
    return Ready(asked)


def _check(request: Request, stack: str | None) -> Ready:
    if isinstance(request.problem, ProblemReference):
        return Ready(request)
    if stack is not None:
        check(request)
        return Ready(request)
    if needs_device(request):
        request, found = _rehearsed(request)
    else:
        found = prepared(request, billed=False)
    expected = expected_seconds(found.request, found.device, found.plan)
    if expected is not None:
        expected += STARTING_SECONDS
    if found.state is None:
        return Ready(request, "", expected)
    console.note(f"{found.device.name}: {found.reasons.device.words}")
    if found.state.emulated is None:
        return Ready(request, f" on {found.device.name}", expected)
    console.note("emulated on this machine: a rehearsal; sources in the report")
    return Ready(request, f" on {found.device.name}, emulated", expected)


def _rehearsed(request: Request) -> tuple[Request, Preparation]:
    """Return a run on a device as it is rehearsed here, where nothing is billed.

    A limit on cost that was given holds as it does on AWS. The one that nobody gave does not: the
    run may then take what it is estimated to, which is told.
    """
    if _has_cap(request):
        return request, prepared(request)
    with suppress(BudgetExceeded):
        found = prepared(request)
        if found.cost.total_usd <= request.limits.max_cost_usd:
            return request, found
    whole = prepared(_capped(request, MOST_USD)).cost.total_usd
    capped = _capped(request, ceil(100 * whole) / 100)
    found = prepared(capped)
    console.note(
        f"on AWS {found.device.name} could bill {whole:.4f} USD, above the default limit of "
        f"{digits(request.limits.max_cost_usd)} USD, which binds no rehearsal; there, add "
        f"--max-cost {capped.limits.max_cost_usd:.2f}"
    )
    return capped, found


def _capped(request: Request, usd: float) -> Request:
    limits = request.limits.model_copy(update={"max_cost_usd": usd})
    return request.model_copy(update={"limits": limits})


def prepared(request: Request, *, billed: bool = True, within_budget: bool = True) -> Preparation:
    """Return the run of a request on the devices that are here.

    ``billed`` counts the job's instance as AWS would, which this machine does not.
    """
    instance, region = _instance_price()
    if not billed:
        instance = instance.model_copy(update={"usd_per_hour": 0.0, "as_of": FREE})
    return prepare(
        request,
        _local_states(candidates(request)),
        instance=instance,
        region=region,
        now=datetime.now(UTC),
        within_budget=within_budget,
    )


def _prepared_pack(pack: Pack, *, billed: bool = True, within_budget: bool = True) -> PreparedPack:
    """Return the pack as AWS would prepare it, on the instance of the template's default."""
    from quantum_pipeline.planning.packs import prepare_pack  # noqa: PLC0415

    instance, region = _instance_price()
    if not billed:
        instance = instance.model_copy(update={"usd_per_hour": 0.0, "as_of": FREE})
    now = datetime.now(UTC)
    return prepare_pack(
        pack, instance=instance, region=region, now=now, within_budget=within_budget
    )


def _local_states(devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the states of devices as the AWS on this machine has them, which need not run.

    Nothing waits before them: each run has an AWS of its own.
    """
    from quantum_pipeline.local.aws import REGION  # noqa: PLC0415
    from quantum_pipeline.local.braket.devices import Devices  # noqa: PLC0415
    from quantum_pipeline.local.braket.errors import BraketError  # noqa: PLC0415
    from quantum_pipeline.local.braket.protocol import Call  # noqa: PLC0415

    service, found = Devices(), {}
    empty = {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": "Normal", "queueSize": "0"}
    service.queues = (lambda _: [empty],)
    for device in devices:
        with suppress(BraketError):
            answer = service.get(Call("GetDevice", {"deviceArn": device.arn}, REGION))
            found[device.arn] = read_state(answer)
    return found


def _states_of_stack(stack: str, devices: Iterable[Device]) -> dict[str, DeviceState]:
    """Return the states of the devices of a stack's region."""
    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415
    from quantum_pipeline.aws.devices import all_states  # noqa: PLC0415

    with named_errors():
        region = pipeline_of(stack).region
        return all_states(each for each in devices if each.region in (None, region))


def _variables_of_stack(stack: str) -> dict[str, dict[str, str]]:
    """Return the environment variables of a deployed stack's functions, by their logical ids."""
    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415
    from quantum_pipeline.cli.client import function_variables  # noqa: PLC0415

    with named_errors():
        pipeline_of(stack)  # refuses what is no stack of this application
        return function_variables(stack)


def _variables_served(endpoint: str) -> dict[str, dict[str, str]]:
    """Return those with which the functions work on what `serve` serves at an endpoint."""
    from quantum_pipeline.local.aws import read_stack  # noqa: PLC0415

    if not re.fullmatch(r"https?://[^/\s]+/?", endpoint):
        raise InvalidRequest.of("--endpoint", endpoint, "a URL, such as http://172.17.0.1:5055")
    return {
        each.logical_id: {**each.environment, "AWS_ENDPOINT_URL": endpoint}
        for each in read_stack(parameters=HERE).functions
    }


def pipeline_of(stack: str) -> Pipeline:
    """Return the pipeline of a stack in the region that the user's AWS settings name.

    boto3 reads AWS_DEFAULT_REGION and not AWS_REGION, as other AWS SDKs do.
    """
    from botocore.session import Session  # noqa: PLC0415

    from quantum_pipeline.cli.client import Pipeline  # noqa: PLC0415

    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
    if not Session().get_config_variable("region"):
        raise InvalidRequest(
            "--stack: no region is set; allowed: the stack's, by --region REGION, "
            "AWS_REGION=REGION or `aws configure`"
        )
    return Pipeline.of_stack(stack)


@cache
def _instance_price() -> tuple[InstancePrice, str]:
    """Return the price that a stack of the template has by default, and this machine's region."""
    from quantum_pipeline.local.aws import REGION, read_stack  # noqa: PLC0415

    settings = next(
        each.environment for each in read_stack().functions if each.handler == "prepare.handler"
    )
    price = InstancePrice(
        instance_type=settings["JOB_INSTANCE_TYPE"],
        usd_per_hour=float(settings["JOB_INSTANCE_USD_PER_HOUR"]),
        as_of=f"at the template's default price of {settings['JOB_INSTANCE_PRICE_AS_OF']}",
    )
    return price, REGION


@contextmanager
def _local_outputs(
    output: Path, line: ProgressLine, *, on_devices: bool
) -> Iterator[dict[str, str]]:
    line.say("starting AWS on this machine")
    from quantum_pipeline.local.aws import LocalAws  # noqa: PLC0415

    with (
        _own_settings(),
        LocalAws(
            cache_folder=cache_folder(),
            parameters=HERE,
            remember=partial(_remember, output),
            recall=partial(_recall, output),
            on_devices=on_devices,
        ) as aws,
    ):
        os.environ.update(aws.environment())
        yield dict(aws.outputs)


@contextmanager
def _own_settings() -> Iterator[None]:
    """Keep the user's AWS settings out of the AWS on this machine: endpoints, profiles, keys.

    What jobs keep to be quick, as Qiskit's list of plugins, stays out of the user's home.
    """
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "XDG_CACHE_HOME": str(cache_folder() / "jobs"),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def outputs_of(
    name: str | None, output: Path, line: ProgressLine, *, on_devices: bool = False
) -> AbstractContextManager[dict[str, str]]:
    """Return the outputs of the AWS on this machine, which runs as long; none of a stack's."""
    return nullcontext({}) if name else _local_outputs(output, line, on_devices=on_devices)
