"""TagResource, UntagResource and ListTagsForResource for jobs, tasks and spending limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from quantum_pipeline.local.braket.errors import invalid, not_found
from quantum_pipeline.local.braket.protocol import Call

MOST_TAGS = 50


class Tags:
    """The tags of everything that has an ARN of its own."""

    def __init__(self, owners: Iterable[Callable[[str], dict[str, str] | None]]) -> None:
        """Take, for each kind of resource, what returns the tags of an ARN or None."""
        self._owners = tuple(owners)

    def list(self, call: Call) -> dict[str, Any]:
        """ListTagsForResource."""
        return {"tags": dict(self._of(call))}

    def add(self, call: Call) -> dict[str, Any]:
        """TagResource."""
        tags = self._of(call)
        if len(tags | call.params["tags"]) > MOST_TAGS:
            raise invalid(f"tags: a resource has at most {MOST_TAGS}")
        tags.update(call.params["tags"])
        return {}

    def remove(self, call: Call) -> dict[str, Any]:
        """UntagResource."""
        tags = self._of(call)
        for key in call.params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def of(self, arn: str) -> dict[str, str] | None:
        """Return the tags of a resource, to be changed in place; None where there is no such."""
        found = (owner(arn) for owner in self._owners)
        return next((tags for tags in found if tags is not None), None)

    def _of(self, call: Call) -> dict[str, str]:
        arn = call.params["resourceArn"]
        tags = self.of(arn)
        if tags is None:
            raise not_found(arn)
        return tags
