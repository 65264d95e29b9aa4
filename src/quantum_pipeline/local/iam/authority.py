"""Decides what principals may do in one stack, and remembers what it refused.

Principals are roles, known by the keys that were made for them, and services of AWS. Whoever has
the server's own key is the account's administrator, who may do anything. So may what runs with a
role that the template does not declare: it has no policies here to be held to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from quantum_pipeline.local.iam.encryption import uses_of_keys
from quantum_pipeline.local.iam.policies import Asked, Context, Decision, Statement, decide
from quantum_pipeline.local.iam.roles import Policies

ASSUME = "sts:AssumeRole"


class AccessDenied(Exception):
    """What a principal may not do; the message is AWS's.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """


@dataclass(frozen=True)
class Verdict:
    """One decision.

    Attributes:
        principal: ARN of a role, or name of a service.
    """

    principal: str
    asked: Asked
    allowed: bool


class Authority:
    """The IAM of one stack.

    Attributes:
        refused: what was refused, in order.
        observers: called with each verdict of any authority, from any thread.
    """

    observers: list[Callable[[Verdict], None]] = []  # noqa: RUF012 - of all authorities, meant so

    def __init__(self, policies: Policies, account: str, region: str) -> None:
        """Take the policies of the stack, and where it stands."""
        self._policies = policies
        self.account, self.region = account, region
        self.refused: list[Verdict] = []

    def knows(self, role_arn: str) -> bool:
        """Return whether the template declares the role."""
        return role_arn in self._policies.roles

    def check(self, role_arn: str, session: str, asked: Iterable[Asked]) -> None:
        """Refuse what a role may not do.

        Args:
            session: name of the role's session, which refusals name.

        Raises:
            AccessDenied: of the first that is not allowed.
        """
        who = role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
        for each in asked:
            for needed in (each, *uses_of_keys(each, self._policies.keys, self.region)):
                self._check(role_arn, needed, f"{who}/{session}")

    def allows(self, principal: str, asked: Asked) -> bool:
        """Return whether a principal may do something, where that it may not is no refusal."""
        return self._decide(principal, asked)[0] is Decision.ALLOWED

    def service_may(self, service: str, action: str, resource: str, source_arn: str) -> bool:
        """Return whether a resource's own policy lets a service do something for this source."""
        try:
            self._check(service, Asked(action, resource, self._source(source_arn)), service)
        except AccessDenied:
            return False
        return True

    def check_trust(self, service: str, role_arn: str, source_arn: str) -> None:
        """Refuse a service a role that does not trust it for this source.

        Raises:
            AccessDenied: the role's trust policy does not allow it.
        """
        if self.knows(role_arn):
            self._check(service, Asked(ASSUME, role_arn, self._source(source_arn)), service)

    def check_schedule(self, arn: str, role_arn: str, function_arn: str) -> None:
        """Refuse a schedule a function that its role may not call, or that role itself.

        Raises:
            AccessDenied: it may not.
        """
        # Scheduler names the group as the source: https://docs.aws.amazon.com/scheduler/latest/
        # UserGuide/cross-service-confused-deputy-prevention.html
        group = arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        self.check_trust("scheduler.amazonaws.com", role_arn, group)
        if self.knows(role_arn):
            self.check(role_arn, "scheduler", [Asked("lambda:InvokeFunction", function_arn)])

    def _source(self, arn: str) -> Context:
        return {"aws:sourcearn": (arn,), "aws:sourceaccount": (self.account,)}

    def _check(self, principal: str, asked: Asked, who: str) -> None:
        decision, kind = self._decide(principal, asked)
        verdict = Verdict(principal, asked, decision is Decision.ALLOWED)
        for observer in self.observers:
            observer(verdict)
        if not verdict.allowed:
            self.refused.append(verdict)
            raise AccessDenied(_message(who, asked, decision, kind))

    def _decide(self, principal: str, asked: Asked) -> tuple[Decision, str]:
        """Return what is decided, and by which kind of policy."""
        if asked.action == ASSUME:
            trust = self._policies.roles[asked.resource].trust
            return decide(_of_service(trust, principal), asked), "role trust"
        role = self._policies.roles.get(principal)
        of_resource = decide(_of_service(self._policies.resources, principal), asked)
        if role is None or of_resource is Decision.DENIED:
            return of_resource, "resource-based"
        return decide(role.statements, asked), "identity-based"


def _of_service(statements: Iterable[Statement], service: str) -> list[Statement]:
    return [each for each in statements if {service, "*"} & set(each.services)]


def _message(who: str, asked: Asked, decision: Decision, kind: str) -> str:
    resource = f'"{asked.resource}"' if asked.action.startswith("s3:") else asked.resource
    why = decision.value.format(kind=kind, action=asked.action)
    return f"User: {who} is not authorized to perform: {asked.action} on resource: {resource} {why}"
