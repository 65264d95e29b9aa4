"""Answers for CloudFormation, which the local AWS leaves out: of one stack, under any name."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from tests.stack import Stack


def describe_stacks(stack: Stack, name: str) -> Any:
    """Return an interception that answers for CloudFormation, which the local AWS leaves out."""
    outputs = "".join(
        f"<member><OutputKey>{k}</OutputKey><OutputValue>{escape(v)}</OutputValue></member>"
        for k, v in stack.aws.outputs.items()
    )
    found = (
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
        f"<StackName>{name}</StackName><CreationTime>2026-08-24T09:30:00Z</CreationTime>"
        f"<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>"
        "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    )
    refusal = (
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
        "<Message>Stack does not exist</Message></Error></ErrorResponse>"
    )

    def answer(service: str, request: Request) -> Response | None:
        if service != "cloudformation":
            return None
        known = name in request.get_data(as_text=True)
        body, status = (found, 200) if known else (refusal, 400)
        return Response(body, status, content_type="text/xml")

    return answer
