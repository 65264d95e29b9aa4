"""What `sam local invoke` sets for each function, by SAM CLI's own code: run by its interpreter.

Reads a JSON list of --env-vars files from stdin, each None or what such a file holds; prints a list
of {function: {variable: value}}, one for each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
    from samcli.lib.providers.sam_function_provider import SamFunctionProvider
    from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

    stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
    functions = SamFunctionProvider(stacks)
    runners = [
        LocalLambdaRunner(None, functions, *2 * [str(Path.cwd())], env_vars_values=file)
        for file in json.load(sys.stdin)
    ]
    found = [
        {each.name: run.get_invoke_config(each).env_vars.resolve() for each in functions.get_all()}
        for run in runners
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
