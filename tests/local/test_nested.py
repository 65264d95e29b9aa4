"""What is filled in of moto's engine where executions wait for others."""

from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds

from quantum_pipeline.local.nested import complete


def test_a_state_of_a_stopped_execution_has_its_time_limit_all_the_same() -> None:
    complete()
    stopped: Any = SimpleNamespace(is_running=lambda: False, stack=[{"a": "parameter"}])
    TimeoutSeconds(60).eval(stopped)
    assert stopped.stack == [{"a": "parameter"}, 60]
