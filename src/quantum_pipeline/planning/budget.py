"""The monthly budget of a stack: what the runs of a month may cost.

A run counts in the month, in UTC, in which it was prepared: while it goes on with its estimate, and
once it has ended with its bill. One that ended without a report has no bill that anybody added up:
it counts as estimated if a job was made for it, and not at all if none was.

Money is counted in whole millionths of a USD, rounded up: so sums are exact, whoever adds them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil, floor

from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.wording import refusal

TOLD_AT = 0.8
"""Part of the budget of which, once it counts as spent, the topic is told."""

MICRO = 1_000_000


def month_of(moment: datetime) -> str:
    """Return the month in which a moment lies, in UTC.

    >>> month_of(datetime.fromisoformat("2026-12-01T00:30:00+01:00"))
    '2026-11'
    """
    return moment.astimezone(UTC).strftime("%Y-%m")


def micro_usd(usd: float) -> int:
    """Return an amount in millionths of a USD, rounded up but for what is lost in floats.

    >>> micro_usd(0.115), micro_usd(0.0000001), micro_usd(0.1 + 0.2)
    (115000, 1, 300000)
    """
    return ceil(round(usd * MICRO, 3))


def most_before(budget_usd: float, asked: int) -> int:
    """Return the most that may count, in millionths, so that what is asked has room beside it."""
    return floor(round(budget_usd * MICRO, 3)) - asked


def is_to_be_told(budget_usd: float, counted: int) -> bool:
    """Return whether so much counts that the topic is told of it.

    >>> is_to_be_told(10.0, 7_999_999), is_to_be_told(10.0, 8_000_000)
    (False, True)
    """
    return counted >= round(TOLD_AT * budget_usd * MICRO, 3)


def exceeded(budget_usd: float, month: str, counted: int | None, asked: int) -> BudgetExceeded:
    """Return the refusal of a run for which the month has no room; ``counted`` None: none ever."""
    allowed = f"up to {budget_usd:.6g} a month, MonthlyBudgetUsd of the stack"
    if counted is not None:
        left = max(0, most_before(budget_usd, counted)) / MICRO
        allowed = (
            f"up to {left:.6g}, which {month} has left: its runs count for {counted / MICRO:.6g} "
            f"of the {budget_usd:.6g} that MonthlyBudgetUsd of the stack allows"
        )
    return BudgetExceeded(refusal("estimate in USD", round(asked / MICRO, 6), allowed))


def counted_usd(estimated_usd: float, actual_usd: float | None, job_arn: str | None) -> float:
    """Return what a run that has ended counts for, in USD.

    Args:
        estimated_usd: its estimate.
        actual_usd: its bill, None of a run without a report.
        job_arn: its newest job, None where none was made.
    """
    if actual_usd is not None:
        return actual_usd
    return 0.0 if job_arn is None else estimated_usd
