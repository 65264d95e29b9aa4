"""Reads each function's settings from the environment that template.yaml gives it."""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.aws.budget import MonthlyBudget
from quantum_pipeline.planning.costs import InstancePrice


class Settings(BaseModel):
    """Settings of one function; field ``output_bucket`` is variable ``OUTPUT_BUCKET``."""

    model_config = ConfigDict(frozen=True)

    output_bucket: str

    @classmethod
    def read(cls) -> Self:
        """Return the settings of this process's environment."""
        return cls.model_validate({name: os.environ.get(name.upper()) for name in cls.model_fields})


class _WithPrice(Settings):
    job_instance_type: str
    job_instance_usd_per_hour: float
    job_instance_price_as_of: str

    @property
    def instance_price(self) -> InstancePrice:
        """Price of the job's instance."""
        return InstancePrice(
            instance_type=self.job_instance_type,
            usd_per_hour=self.job_instance_usd_per_hour,
            as_of=self.job_instance_price_as_of,
        )


class _WithBudget(Settings):
    budget_table: str
    monthly_budget_usd: float
    notification_topic_arn: str

    @property
    def budget(self) -> MonthlyBudget:
        """The stack's monthly budget."""
        return MonthlyBudget(
            self.budget_table, self.monthly_budget_usd, self.notification_topic_arn
        )


class PrepareSettings(_WithPrice, _WithBudget):
    """Settings of prepare."""

    input_bucket: str
    catalogue_table: str
    aws_region: str


class _WithPolls(Settings):
    polls_at_once: int


class SubmitSettings(_WithPolls):
    """Settings of submit."""

    code_bucket: str
    job_role_arn: str
    job_instance_type: str
    concurrent_jobs: int
    powertools_service_name: str


class MonitorSettings(_WithPolls):
    """Settings of monitor."""


class PostProcessSettings(_WithPrice, _WithBudget):
    """Settings of post_process."""

    catalogue_table: str


class CancelSettings(_WithBudget):
    """Settings of cancel."""

    catalogue_table: str


class _WithRuns(Settings):
    state_machine_arn: str
    """Of the state machine that runs a request."""


class PlanRoundSettings(_WithPrice, _WithRuns):
    """Settings of plan_round."""

    input_bucket: str
    aws_region: str


class SummariseSettings(Settings):
    """Settings of summarise."""

    notification_topic_arn: str


class StopRunsSettings(_WithRuns):
    """Settings of stop_runs."""

    notification_topic_arn: str


class SweepSettings(_WithRuns):
    """Settings of sweep."""

    study_machine_arn: str
    cancel_function_arn: str
    stop_runs_function_arn: str
    powertools_service_name: str

    @property
    def stack(self) -> str:
        """The stack's name, which its jobs are tagged with."""
        return self.powertools_service_name
