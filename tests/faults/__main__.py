"""The campaign: make faults N=200 SEED=1 [KIND=study], or PLAN='local: Submit CreateJob stop'."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from tests.faults.campaign import Campaign, Run
from tests.faults.invariants import broken, end_of
from tests.faults.plans import AIMS, OTHERS, Plan, drawn
from tests.stack import Stack, priced_stack

A_STACK = 50
"""Plans that one stack runs: lists of executions, jobs and messages grow with each."""


def main() -> int:
    """Run plans, print a table, and say by the exit status whether every invariant held."""
    arguments = _arguments()
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs each failure that is planned
    numbers = range(arguments.start, arguments.n)
    plans = arguments.plan or [
        plan
        for plan in (drawn(arguments.seed, number) for number in numbers)
        if arguments.kind in (None, plan.kind)
    ]
    table = Table()
    try:
        for first in range(0, len(plans), A_STACK):
            _run(plans[first : first + A_STACK], first + arguments.start, table)
    except KeyboardInterrupt:
        print("interrupted")
    print(table)
    return 1 if table.broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="how many plans")
    parser.add_argument("--start", type=int, default=0, help="the number of the first")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn from")
    parser.add_argument("--kind", choices=(*AIMS, *OTHERS), help="only those of a kind")
    parser.add_argument("--plan", type=_plan, help="one plan alone, as a failure prints it")
    return parser.parse_args()


def _plan(text: str) -> list[Plan]:
    try:
        return [Plan.parse(text)]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _run(plans: list[Plan], first: int, table: Table) -> None:
    with priced_stack() as stack, pytest.MonkeyPatch.context() as monkeypatch:
        campaign = Campaign(stack, monkeypatch)
        for number, plan in enumerate(plans, first):
            _run_one(campaign, stack, plan, f"plan-{number}", table)


def _run_one(campaign: Campaign, stack: Stack, plan: Plan, run_id: str, table: Table) -> None:
    started = time.monotonic()
    run = campaign.run(plan, run_id)
    found = broken(stack, run)
    table.add(run, end_of(stack, run), found, time.monotonic() - started)
    if found:
        print(f"{run_id}: {plan.kind}\n  make faults PLAN='{plan}'")
        for each in found:
            print(f"  {each}")
        struck = "; ".join(f"{each.fault} (call {each.call})" for each in run.strikes.struck)
        print(f"  struck: {struck}", flush=True)
    elif table.n_plans % 25 == 0:
        print(f"{table.n_plans} plans, {table.broken} with a broken invariant", flush=True)


class Table:
    """What became of the plans, by their kinds."""

    def __init__(self) -> None:
        self.n_plans = self.broken = 0
        self._plans: Counter[str] = Counter()
        self._ends: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._broken: Counter[str] = Counter()
        self._struck: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, run: Run, end: str, found: list[str], seconds: float) -> None:
        """Count a run."""
        kind = run.plan.kind
        self.n_plans += 1
        self.broken += bool(found)
        self._plans[kind] += 1
        self._ends[kind][end] += 1
        self._broken[kind] += bool(found)
        self._struck[kind] += len(run.strikes.struck)
        self._seconds[kind] += seconds

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        columns = "{:<18} {:>6} {:>7} {:>10} {:>7} {:>10} {:>7} {:>8}"
        yield columns.format(
            "plans", "runs", "faults", "completed", "failed", "cancelled", "broken", "s a run"
        )
        kinds = [*self._plans]
        for kind in [*sorted(kinds), "all"]:
            of = kinds if kind == "all" else [kind]
            runs = sum(self._plans[each] for each in of)
            ends = [
                sum(self._ends[each][end] for each in of)
                for end in ("completed", "failure", "cancelled")
            ]
            yield columns.format(
                kind,
                runs,
                sum(self._struck[each] for each in of),
                *ends,
                sum(self._broken[each] for each in of),
                f"{sum(self._seconds[each] for each in of) / max(1, runs):.1f}",
            )


if __name__ == "__main__":
    sys.exit(main())
