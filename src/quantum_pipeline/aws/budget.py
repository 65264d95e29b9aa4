"""The monthly budget on AWS: one item a month, changed under conditions, so that none is overdrawn.

    month     the key, such as 2026-11
    counted   what counts in it, in millionths of a USD: reservations and bills
    run:<id>  what is reserved for a run that goes on
    told      that the topic was told how much of the budget is spent

DynamoDB makes the changes of an item one after the other. A reservation is made once, however often
Prepare is called; whoever finishes the end of a run replaces it by what the run did cost, once. The
topic is told at least once, all but always once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from quantum_pipeline.aws import notifications
from quantum_pipeline.aws.clients import client
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.planning import budget

COUNTED, TOLD = "counted", "told"


@dataclass(frozen=True)
class MonthlyBudget:
    """A stack's budget: its table, what a month may cost in USD, 0 for no budget, and the topic."""

    table: str
    usd: float
    topic_arn: str

    def reserve(self, estimates: Mapping[str, float], now: datetime) -> None:
        """Count runs with their estimates in USD, all of them or none, unless they count already.

        Args:
            estimates: by run, one or those of a pack, at most 100.
            now: the time by which the month is chosen.

        Raises:
            BudgetExceeded: the month has no room for them.
        """
        if not self.usd:
            return
        amounts = [budget.micro_usd(usd) for usd in estimates.values()]
        month, asked, names = budget.month_of(now), sum(amounts), list(map(_of, estimates))
        most = budget.most_before(self.usd, asked)
        if most < 0:  # the condition lets the first run of a month pass
            raise budget.exceeded(self.usd, month, None, asked)
        try:
            changed = self._update(
                month,
                f"SET {', '.join(f'#run{i} = :run{i}' for i in range(len(names)))} "
                "ADD #counted :asked",
                "attribute_not_exists(#run0) AND "  # all of them come at once
                "(attribute_not_exists(#counted) OR #counted <= :most)",
                names,
                {f"run{i}": amount for i, amount in enumerate(amounts)}
                | {"asked": asked, "most": most},
            )
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.CONFLICT:
                raise
            there: dict[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
            if names[0] in there:
                return
            raise budget.exceeded(self.usd, month, int(there[COUNTED]["N"]), asked) from error
        self._tell(month, changed)

    def settle(self, run_id: str, month: str, usd: float) -> None:
        """Count a run that has ended with what it did cost; nothing where nothing is reserved."""
        if not self.usd:
            return
        found = client("dynamodb").get_item(
            TableName=self.table,
            Key={"month": {"S": month}},
            ProjectionExpression="#run",
            ExpressionAttributeNames={"#run": _of(run_id)},
            ConsistentRead=True,
        )
        reserved = found.get("Item", {}).get(_of(run_id))
        if reserved is None:
            return
        try:
            changed = self._update(
                month,
                "ADD #counted :more REMOVE #run0",
                "#run0 = :reserved",
                [_of(run_id)],
                {
                    "more": budget.micro_usd(usd) - int(reserved["N"]),
                    "reserved": int(reserved["N"]),
                },
            )
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.CONFLICT:
                raise
            return  # another call has settled it meanwhile
        if COUNTED in changed:  # else the run counts for what was reserved for it
            self._tell(month, changed)

    def _update(
        self,
        month: str,
        change: str,
        condition: str,
        names: Sequence[str],
        values: Mapping[str, int],
    ) -> dict[str, Any]:
        """Change a month's item if a condition holds; return what was changed.

        In the expressions #run0 is the first of the names; of a value, its key after a colon.
        """
        answer = client("dynamodb").update_item(
            TableName=self.table,
            Key={"month": {"S": month}},
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeNames={
                "#counted": COUNTED,
                **{f"#run{i}": name for i, name in enumerate(names)},
            },
            ExpressionAttributeValues={f":{name}": {"N": str(n)} for name, n in values.items()},
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return dict(answer["Attributes"])

    def _tell(self, month: str, changed: dict[str, Any]) -> None:
        """Tell the topic, once a month, that most of the budget is spent."""
        counted = int(changed[COUNTED]["N"])
        if not budget.is_to_be_told(self.usd, counted):
            return
        key = {"TableName": self.table, "Key": {"month": {"S": month}}}
        names = {"#told": TOLD}
        found = client("dynamodb").get_item(
            **key,
            ProjectionExpression="#told",
            ExpressionAttributeNames=names,
            ConsistentRead=True,
        )
        if found.get("Item"):
            return
        notifications.warn_of_budget(self.topic_arn, month, counted / budget.MICRO, self.usd)
        client("dynamodb").update_item(
            **key,
            UpdateExpression="SET #told = :told",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":told": {"BOOL": True}},
        )


def _of(run_id: str) -> str:
    return f"run:{run_id}"
