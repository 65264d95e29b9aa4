"""AWS on this machine: the stack of template.yaml behind one endpoint.

    with LocalAws() as aws:
        client = boto3.client("stepfunctions", endpoint_url=aws.endpoint_url, ...)

moto answers for S3, Step Functions, SNS, EventBridge, CloudWatch and others; Lambda functions and
Braket's jobs run as processes. All is gone when it is closed, but for the Pythons that those were
forks of, with nothing but libraries: they are kept for the next one in this process.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias
from urllib.request import getproxies

from quantum_pipeline.local import places
from quantum_pipeline.local.garbage import nothing_collected
from quantum_pipeline.local.iam.authority import AccessDenied, Authority
from quantum_pipeline.local.intrinsics import TemplateError
from quantum_pipeline.local.keys import Key, Keys
from quantum_pipeline.local.lambdas import Functions
from quantum_pipeline.local.logs import LogWriter
from quantum_pipeline.local.schedules import Schedules
from quantum_pipeline.local.template import Function, Stack

if TYPE_CHECKING:
    from quantum_pipeline.local.braket import BraketService

ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"
STACK_NAME = "quantum-pipeline"
LOOK_SECONDS = 0.2  # of GetJob: five a second are all that AWS allows
RECALLED = 2000  # newest runs that the catalogue has again: half a second to read

_one_at_a_time = threading.Lock()


BraketFactory: TypeAlias = "Callable[[Callable[[], Mapping[str, str]], Path], BraketService]"


def _braket_service(cache_folder: Path) -> BraketFactory:
    from quantum_pipeline.local.braket import BraketService  # noqa: PLC0415

    return partial(BraketService, look_seconds=LOOK_SECONDS, sources=cache_folder / "sources")


def read_stack(
    template: Path = places.APPLICATION / "template.yaml",
    *,
    stack_name: str = STACK_NAME,
    parameters: Mapping[str, str] | None = None,
) -> Stack:
    """Return the stack that `LocalAws` runs when it is given the same; nothing is started."""
    return Stack.read(
        template, name=stack_name, region=REGION, account=ACCOUNT, parameters=parameters
    )


class LocalAws:
    """The stack, running; one at a time in a process.

    Attributes:
        endpoint_url: where every service answers.
        region: the stack's region.
        outputs: the stack's outputs.
        key: what requests are to be signed with, made for this stack alone: the administrator's.
        keys: that key, and those of the roles.
        authority: who says what the functions and jobs may do, which have keys of their own.
        functions: the Lambda functions.
        braket: the Braket service.
        router: the WSGI application behind the endpoint.
        logs: the writer of the functions' logs.
    """

    region = REGION

    def __init__(
        self,
        template: Path = places.APPLICATION / "template.yaml",
        *,
        stack_name: str = STACK_NAME,
        parameters: Mapping[str, str] | None = None,
        cache_folder: Path | None = None,
        braket: BraketFactory | None = None,
        port: int = 0,
        remember: Callable[[str], None] | None = None,
        recall: Callable[[], Iterable[bytes]] | None = None,
        on_devices: bool = False,
    ) -> None:
        """Start everything.

        Args:
            template: the SAM template; the files it names are found from its folder.
            stack_name: the stack's name, as in ``sam deploy --stack-name``.
            parameters: values of template parameters, as in ``--parameter-overrides``.
            cache_folder: holds what may last from run to run, and a temporary folder for the rest;
                by default that of this machine.
            braket: makes the Braket service from its jobs' environment variables and their folder;
                by default one that answers as AWS does, in its own time.
            port: of the endpoint on 127.0.0.1; a free one by default.
            remember: called with each record that comes into the catalogue, as JSON.
            recall: gives the records that came into it earlier, as JSON, the newest first; called
                if the catalogue is searched.
            on_devices: whether the first run will be on a device, for which to get ready.

        Raises:
            TemplateError: the template cannot be resolved.
            RuntimeError: another one is open in this process; moto's state is the process's.
        """
        stack = read_stack(template, stack_name=stack_name, parameters=parameters)
        self.outputs, self.key = stack.outputs, Key()
        self.keys = Keys(self.key, stack.policies.roles)
        self.authority = Authority(stack.policies, stack.account, stack.region)
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError("another LocalAws is open in this process")
        with ExitStack() as open_parts:
            open_parts.callback(_one_at_a_time.release)
            self._remember, self._recall, self._on_devices = remember, recall, on_devices
            cache = cache_folder or places.cache_folder()
            self._start(stack, cache, braket or _braket_service(cache), port, open_parts)
            self._open_parts = open_parts.pop_all()

    def _start(
        self,
        stack: Stack,
        cache_folder: Path,
        braket: BraketFactory,
        port: int,
        open_parts: ExitStack,
    ) -> None:
        work_folder = _work_folder(cache_folder)
        open_parts.callback(shutil.rmtree, work_folder, ignore_errors=True)
        listener = open_parts.enter_context(socket.create_server(("127.0.0.1", port), backlog=128))
        host, port = listener.getsockname()
        self.endpoint_url = f"http://{host}:{port}"
        # The engine of state machines calls this port; the variable is how moto is told of it.
        open_parts.enter_context(_variables({"MOTO_PORT": str(port), **_no_proxy()}))
        self.logs = LogWriter(stack.account, stack.region)
        open_parts.callback(self.logs.close)
        self.functions = Functions(
            [self._set_up(function, cache_folder / "tmp") for function in stack.functions],
            self._place(),
            work_folder / "functions",
            self.logs.put,
        )
        open_parts.callback(self.functions.close)
        self.braket = braket(self.environment, work_folder / "braket")
        self.braket.clients.key_of = self._key_of_job
        open_parts.callback(self.braket.close)
        up = threading.Event()
        open_parts.callback(up.set)
        warm_up = _of_a_run(stack), up
        threading.Thread(target=self._warm, args=warm_up, name="warm-up", daemon=True).start()
        open_parts.callback(gc.unfreeze)
        with nothing_collected():
            from quantum_pipeline.local.endpoint import Endpoint  # noqa: PLC0415

            services = {"braket": self.braket}
            folder = work_folder / "endpoint"
            endpoint = Endpoint(
                listener,
                stack,
                self.functions,
                services,
                keys=self.keys,
                authority=self.authority,
                tags=self.braket.tags_of,
                folder=folder,
                kept=cache_folder / "syntax",
                on_put=self._put,
                earlier=self._earlier,
            )
        open_parts.callback(endpoint.close)
        self.router = endpoint.router
        self._limit_spending(stack)
        self.logs.start()
        open_parts.callback(Schedules(stack.schedules, self.functions, self.authority).close)
        up.set()

    def _warm(self, names: Sequence[str], up: threading.Event) -> None:
        """Start what a run needs, in the order of its need, beside what this process does."""
        self.functions.warm(names[:1])
        self.braket.warm(self._on_devices)
        up.wait()  # what is needed later is not to hold up what all wait for
        self.functions.warm(names[1:])

    def _put(self, item: Mapping[str, Mapping[str, str]]) -> None:
        """Pass on a record of the catalogue, so that it can last."""
        if self._remember is not None and "record" in item:
            self._remember(item["record"]["S"])

    def _earlier(self, table: str) -> Iterator[Mapping[str, Mapping[str, str]]]:
        """Yield the items that a table has from earlier on: the newest runs of the catalogue."""
        if self._recall is None or table != self.outputs["CatalogueTableName"]:
            return
        from quantum_pipeline.aws.catalogue import attributes  # noqa: PLC0415 - few runs need it
        from quantum_pipeline.catalogue.record import RunRecord  # noqa: PLC0415

        for record in islice(self._recall(), RECALLED):
            with suppress(ValueError):  # of a later release
                found = attributes(RunRecord.model_validate_json(record))
                yield {name: {"S": value} for name, value in found.items()}

    def _limit_spending(self, stack: Stack) -> None:
        if not stack.spending_limits:
            return
        import boto3  # noqa: PLC0415 - it takes a while, and few stacks have limits

        braket = boto3.client(
            "braket",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            **self.key.arguments(),
        )
        for limit in stack.spending_limits:
            braket.create_spending_limit(**limit)

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which any AWS client talks to this stack."""
        return {**self._place(), **self.key.environment()}

    def _place(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **_no_proxy(),
        }

    def _set_up(self, function: Function, folder: Path) -> Function:
        """Give a function the key of its role, in a session of the function's name, as Lambda does.

        Let settings name /tmp, which is private to a function on Lambda. It lasts here, since what
        they keep there are caches: matplotlib's takes seconds to make.
        """
        environment = {
            name: f"{folder}{value.removeprefix('/tmp')}" if value.startswith("/tmp/") else value
            for name, value in function.environment.items()
        }
        try:
            self.authority.check_trust("lambda.amazonaws.com", function.role_arn, function.arn)
        except AccessDenied as denied:
            raise TemplateError(f"{function.logical_id}: {denied}") from denied
        key = self.keys.of(function.role_arn, function.name)
        return replace(function, environment={**environment, **key.environment()})

    def _key_of_job(self, role_arn: str) -> dict[str, str]:
        """Return the key of a job's role in environment variables, if the role trusts Braket.

        Raises:
            AccessDenied: it does not.
        """
        jobs = f"arn:aws:braket:{REGION}:{ACCOUNT}:job/*"
        self.authority.check_trust("braket.amazonaws.com", role_arn, jobs)
        return self.keys.of(role_arn, "braket-job").environment()

    def close(self) -> None:
        """End every process, and remove what is not for later."""
        self._open_parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _of_a_run(stack: Stack) -> list[str]:
    """Return the names of the functions that a run may wait for: those that its machine calls.

    Of a stack that does not say which machine that is, all that no schedule calls.
    """
    arn = stack.outputs.get("StateMachineArn")
    for machine in stack.state_machines:
        if machine.arn == arn:
            return [each.name for each in stack.functions if each.arn in machine.definition]
    scheduled = {schedule.function_arn for schedule in stack.schedules}
    return [each.name for each in stack.functions if each.arn not in scheduled]


def _work_folder(cache_folder: Path) -> Path:
    """Make a folder that is removed at the end, and remove those of processes that were killed."""
    cache_folder.mkdir(parents=True, exist_ok=True)
    for left in cache_folder.glob("aws-*-*"):
        try:
            os.kill(int(left.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            pass  # it runs, for another user
    return Path(tempfile.mkdtemp(prefix=f"aws-{os.getpid()}-", dir=cache_folder))


def _no_proxy() -> dict[str, str]:
    """Return what keeps clients from asking a proxy for this machine, where there is a proxy."""
    proxies = getproxies()
    if not proxies.keys() - {"no"}:
        return {}
    return {"no_proxy": ",".join(filter(None, ["127.0.0.1,localhost", proxies.get("no")]))}


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
