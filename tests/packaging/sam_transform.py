"""Prints the template as SAM's own translator transforms it; run by SAM's Python.

Beside it stands what the registry of CloudFormation says that each type of resource in it asks of
who creates, reads, updates or deletes one: ``{"template": ..., "permissions": {type: {handler:
[action, ...]}}}``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
"""Properties that `sam package` turns into places in S3."""


def transformed() -> dict[str, Any]:
    import boto3
    from samcli.yamlhelper import yaml_parse
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    template = yaml_parse(Path("template.yaml").read_text("utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] in CODE:
            resource["Properties"][CODE[resource["Type"]]] = "s3://bucket/key"
    session = boto3.session.Session(region_name="us-east-1")
    found: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(template, {})
    return found


def permissions(types: set[str]) -> dict[str, dict[str, list[str]]]:
    import cfnlint

    found = {}
    for file in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(file.read_text("utf-8"))
        if schema["typeName"] in types and "handlers" in schema:
            handlers = schema["handlers"].items()
            found[schema["typeName"]] = {name: body["permissions"] for name, body in handlers}
    return found


def main() -> None:
    template = transformed()
    types = {each["Type"] for each in template["Resources"].values()}
    json.dump({"template": template, "permissions": permissions(types)}, sys.stdout)


if __name__ == "__main__":
    main()
