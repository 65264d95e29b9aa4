"""Programs in forks of one Python: what they share, what they have alone, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from quantum_pipeline.local.interpreter import Interpreter, Program
from tests.local.small_stack import runs
from tests.waiting import PATIENCE_SECONDS, wait_for


class Outcome:
    """A program that was started, what it prints, and its end."""

    def __init__(
        self,
        interpreter: Interpreter,
        file: Path,
        *arguments: str,
        reads: int | None = None,
        **env: str,
    ) -> None:
        self.lines: list[str] = []
        self._ended = threading.Event()
        self.program: Program = interpreter.run(
            [str(file), *arguments],
            file.parent,
            env,
            on_line=self.lines.append,
            on_end=lambda _: self._ended.set(),
            reads=reads,
        )

    def status(self) -> int | None:
        assert self._ended.wait(PATIENCE_SECONDS)
        return self.program.exit_status


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    interpreter = Interpreter(["colorsys", "numpy.random"], dict(os.environ))
    yield interpreter
    interpreter.close()


def script(folder: Path, text: str) -> Path:
    file = folder / "program.py"
    file.write_text(text)
    return file


def test_a_program_has_arguments_folder_and_environment_of_its_own(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    file = script(tmp_path, "import os, sys; print(sys.argv[1:], os.getcwd(), dict(os.environ))")
    outcome = Outcome(interpreter, file, "one", "two", NAME="value")
    assert outcome.status() == 0
    assert outcome.lines == [f"['one', 'two'] {tmp_path} {{'NAME': 'value'}}\n"]


def test_a_program_finds_imported_what_the_interpreter_has(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    file = script(tmp_path, "import sys; print('colorsys' in sys.modules, __name__)")
    outcome = Outcome(interpreter, file)
    assert (outcome.status(), outcome.lines) == (0, ["True __main__\n"])


def test_programs_draw_different_random_numbers(interpreter: Interpreter, tmp_path: Path) -> None:
    file = script(
        tmp_path, "import random, numpy as np; print(random.random()); print(np.random.random())"
    )
    outcomes = [Outcome(interpreter, file) for _ in range(2)]
    assert [outcome.status() for outcome in outcomes] == [0, 0]
    first, second = (outcome.lines for outcome in outcomes)
    assert len(first) == 2
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("raise SystemExit(3)", 3),
        ("raise ValueError", 1),
        ("import os; os.kill(os.getpid(), 15)", -15),
    ],
)
def test_the_exit_status_tells_how_a_program_ended(
    interpreter: Interpreter, tmp_path: Path, text: str, status: int
) -> None:
    assert Outcome(interpreter, script(tmp_path, text)).status() == status


def test_what_a_program_has_started_ends_with_it(interpreter: Interpreter, tmp_path: Path) -> None:
    text = "import subprocess; print(subprocess.Popen(['sleep', '3600']).pid)"
    outcome = Outcome(interpreter, script(tmp_path, text))
    assert outcome.status() == 0
    wait_for(lambda: not runs(int(outcome.lines[0])))


def test_a_dead_interpreter_is_replaced(interpreter: Interpreter, tmp_path: Path) -> None:
    file = script(tmp_path, "import os; print(os.getppid())")
    first = Outcome(interpreter, file)
    assert first.status() == 0
    parent = int(first.lines[0])
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: not runs(parent))
    second = Outcome(interpreter, file)
    assert second.status() == 0
    assert int(second.lines[0]) != parent


def test_nothing_runs_once_it_is_closed(interpreter: Interpreter, tmp_path: Path) -> None:
    running = Outcome(interpreter, script(tmp_path, "import time; time.sleep(3600)"))
    interpreter.close()
    assert running.status() == -signal.SIGKILL
    interpreter.start()
    with pytest.raises(ChildProcessError, match="closed"):
        Outcome(interpreter, script(tmp_path, ""))


def test_a_closed_one_is_kept_for_the_next_of_its_kind_alone(tmp_path: Path) -> None:
    file = script(tmp_path, "import os; print(os.getppid())")
    parents = []
    for environment in ({"KIND": "one"}, {"KIND": "another"}, {"KIND": "one"}):
        interpreter = Interpreter(["colorsys"], environment)
        outcome = Outcome(interpreter, file)
        assert outcome.status() == 0
        interpreter.close()
        parents += outcome.lines
    first, other, again = parents
    assert first == again != other


def test_one_that_was_got_ready_is_the_next_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(
        f"with open({str(tmp_path / 'count')!r}, 'a') as file: print('once', file=file)"
    )
    kind = ["counted"], {"PYTHONPATH": str(tmp_path)}
    for _ in range(2):
        Interpreter(*kind).get_ready()
    interpreter = Interpreter(*kind)
    assert not interpreter.had_programs
    assert Outcome(interpreter, script(tmp_path, "")).status() == 0
    interpreter.close()
    assert Interpreter(*kind).had_programs
    assert (tmp_path / "count").read_text() == "once\n"


def test_one_that_was_got_ready_in_vain_holds_up_no_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    (tmp_path / "for_ever.py").write_text(
        f"import os, time\nwith open({str(tmp_path / 'begun')!r}, 'w') as file:\n"
        "    print(os.getpid(), file=file)\ntime.sleep(3600)\n"
    )
    text = f"""
        from pathlib import Path
        from quantum_pipeline.local.interpreter import Interpreter

        Interpreter(["for_ever"], {{"PYTHONPATH": {str(tmp_path)!r}}}).get_ready()
        print(Path({str(tmp_path / "begun")!r}).read_text())
        """
    ran = subprocess.run(
        [sys.executable, str(script(tmp_path, textwrap.dedent(text)))],
        capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0
    assert not runs(int(ran.stdout))


def test_a_program_reads_the_file_that_is_its_input(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "input").write_text("one\ntwo\n")
    file = script(tmp_path, "import sys; print(sys.stdin.read().split())")
    with (tmp_path / "input").open() as given:
        outcomes = [Outcome(interpreter, file, reads=each) for each in (given.fileno(), None)]
    assert [outcome.status() for outcome in outcomes] == [0, 0]
    assert [outcome.lines for outcome in outcomes] == [["['one', 'two']\n"], ["[]\n"]]


def test_one_with_a_base_has_its_modules_and_more(tmp_path: Path) -> None:
    base = Interpreter(["colorsys"], dict(os.environ))
    more = Interpreter(["sndhdr_of_nobody", "calendar"], dict(os.environ) | {"SEEN": "1"}, base)
    file = script(
        tmp_path,
        "import os, sys; print([name in sys.modules for name in ('colorsys', 'calendar')])",
    )
    outcomes = [Outcome(each, file) for each in (more, base, more)]
    assert [outcome.status() for outcome in outcomes] == [0, 0, 0]
    both, first = ["[True, True]\n"], ["[True, False]\n"]
    assert [outcome.lines for outcome in outcomes] == [both, first, both]
    base.close()  # what is a fork of it goes on
    again = Outcome(more, file)
    assert (again.status(), again.lines) == (0, both)
    more.close()


def test_one_whose_base_has_died_goes_on_and_is_replaced_when_it_dies(tmp_path: Path) -> None:
    base = Interpreter(["colorsys"], {"KIND": "that dies"})
    more = Interpreter(["calendar"], {"KIND": "that dies"}, base)
    file = script(tmp_path, "import os; print(os.getppid())")
    parents = []
    with closing(base), closing(more):
        for each in (base, more):
            outcome = Outcome(each, file)
            assert outcome.status() == 0
            parents.append(int(outcome.lines[0]))
        for killed, same in ((parents[0], True), (parents[1], False)):
            os.kill(killed, signal.SIGKILL)  # nobody has seen it yet when the next is asked for
            second = Outcome(more, file)
            assert second.status() == 0
            assert (int(second.lines[0]) == parents[1]) is same


def test_a_module_that_ends_its_importer_is_left_to_programs(tmp_path: Path) -> None:
    (tmp_path / "that_exits.py").write_text("raise SystemExit(3)")
    environment = dict(os.environ) | {"PYTHONPATH": str(tmp_path)}
    base = Interpreter(["colorsys"], dict(os.environ))
    more = Interpreter(["that_exits"], environment, base)
    outcome = Outcome(more, script(tmp_path, "import that_exits"))
    assert outcome.status() == 3
    more.close()
    base.close()


ENDS_TOGETHER = """
import os, signal, threading
from pathlib import Path
from quantum_pipeline.local.interpreter import Interpreter

base, lines, both = Interpreter(["colorsys"], dict(os.environ)), [], threading.Semaphore(0)
for _ in range(2):
    base.run(
        [{sleeper!r}],
        Path("/"),
        dict(os.environ),
        on_line=lambda line: (lines.append(line), both.release()),
        on_end=lambda _: None,
    )
both.acquire(), both.acquire()
(first, python), (second, _) = (map(int, line.split()) for line in lines)
os.kill(python, signal.SIGSTOP)
print(first, second, python, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

IMPORTS_FOR_EVER = """
import os, signal, sys, threading
from pathlib import Path
from quantum_pipeline.local.interpreter import Interpreter

folder = Path(sys.argv[1])
environment = dict(os.environ) | {"PYTHONPATH": str(folder)}
base = Interpreter(["colorsys"], dict(os.environ))
more = Interpreter(["for_ever"], environment, base)

def ask():
    ignore = lambda _: None
    more.run([str(folder / "none.py")], folder, {}, on_line=ignore, on_end=ignore)

threading.Thread(target=ask, daemon=True).start()
(folder / "begun").open().read()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
more.close()
base.close()
"""


@pytest.mark.parametrize(("end", "status"), [("closed", 0), ("killed", -signal.SIGKILL)])
def test_one_that_imports_for_ever_holds_up_no_end_and_is_not_left(
    tmp_path: Path, end: str, status: int
) -> None:
    os.mkfifo(tmp_path / "begun")
    (tmp_path / "for_ever.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        f"open({str(tmp_path / 'begun')!r}, 'w').close()\ntime.sleep(3600)\n"
    )
    server = script(tmp_path, IMPORTS_FOR_EVER)
    ran = subprocess.run(
        [sys.executable, str(server), str(tmp_path), end], check=False, timeout=PATIENCE_SECONDS
    )
    assert ran.returncode == status
    importing = int((tmp_path / "pid").read_text())
    wait_for(lambda: not runs(importing))


def test_one_that_cannot_tell_of_an_end_ends_the_others_all_the_same(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import os, time; print(os.getpid(), os.getppid()); time.sleep(3600)")
    server = script(tmp_path, ENDS_TOGETHER.format(sleeper=str(sleeper)))
    printed, said = tmp_path / "printed", tmp_path / "said"
    with printed.open("w") as out, said.open("w") as err:  # the stopped one has them, too
        ran = subprocess.run([sys.executable, str(server)], stdout=out, stderr=err, check=False)
    assert ran.returncode == -signal.SIGKILL
    first, second, python = map(int, printed.read_text().split())
    os.kill(first, signal.SIGKILL)
    os.kill(python, signal.SIGCONT)
    wait_for(lambda: not any(map(runs, (first, second, python))))
    assert not said.read_text()


INTERRUPTED = """
import os, signal
from quantum_pipeline.local import interpreter

class Slow:
    def close(self): os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
interpreter._KEPT["slow"] = [Slow()]
"""


def test_an_interrupt_while_all_is_closed_is_no_error(tmp_path: Path) -> None:
    server = script(tmp_path, INTERRUPTED)
    ran = subprocess.run([sys.executable, str(server)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_programs_of_all_end_with_the_process_that_asked_for_them(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import os, time; print(os.getpid(), os.getppid()); time.sleep(3600)")
    text = f"""
        import os, signal, threading
        from pathlib import Path
        from quantum_pipeline.local.interpreter import Interpreter

        base = Interpreter(["colorsys"], dict(os.environ))
        lines, both = [], threading.Semaphore(0)
        for each in (base, Interpreter(["calendar"], dict(os.environ), base)):
            each.run(
                [{str(sleeper)!r}],
                Path("/"),
                dict(os.environ),
                on_line=lambda line: (lines.append(line), both.release()),
                on_end=lambda _: None,
            )
        both.acquire(), both.acquire()
        print(*"".join(lines).split(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    server = script(tmp_path, textwrap.dedent(text))
    ran = subprocess.run([sys.executable, str(server)], capture_output=True, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL
    left = [int(each) for each in ran.stdout.split()]
    assert len(left) == 4
    wait_for(lambda: not any(map(runs, left)))
