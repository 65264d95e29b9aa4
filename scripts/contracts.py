"""Generate the import contracts of ``quantum_pipeline.architecture`` for import-linter.

python -m scripts.contracts FILE    writes them as its configuration, which ``make check`` reads
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from pathlib import Path

import click

from quantum_pipeline.architecture import (
    DOMAIN,
    FUNCTIONS,
    JOB,
    ON_THIS_MACHINE,
    PACKAGE,
    Layers,
)

ROOTS = ("functions", "hybrid_job", "quantum_pipeline")
Contract = dict[str, str | Iterable[str]]


def contracts() -> Iterator[Contract]:
    """Yield the contracts: their settings by import-linter's names."""
    yield _layers(
        "parts of the package import of those below them alone", "quantum_pipeline", PACKAGE
    )
    yield _layers("parts of the job import of those below them alone", "hybrid_job", JOB)
    yield {
        "name": "nothing goes in circles",
        "type": "acyclic_siblings",
        "ancestors": ROOTS,
    }
    yield _forbidden(
        "the domain has no I/O, no clock and no environment",
        _parts(DOMAIN),
        ("boto3", "botocore", "braket", "jinja2", "matplotlib", "os", "scipy", "time"),
    )
    yield _forbidden(
        "the job imports the domain alone",
        ("hybrid_job",),
        (
            "functions",
            "boto3",
            "matplotlib",
            *_parts(("aws", "pages", "reports", *ON_THIS_MACHINE)),
        ),
        # The SDK's session takes one of boto3's: the only way to name a region to it.
        ignore_imports=("hybrid_job.markers -> boto3", "hybrid_job.on_device.tasks -> boto3"),
    )
    yield {
        "name": "no function imports another",
        "type": "independence",
        "modules": [f"functions.{each}" for each in FUNCTIONS],
    }
    yield _forbidden(
        "functions stay clear of the job and of this machine",
        ("functions",),
        ("hybrid_job", "braket", "moto", "scipy", *_parts(ON_THIS_MACHINE)),
    )
    yield _forbidden(
        "the package runs functions and job as files, and imports neither",
        ("quantum_pipeline",),
        ("functions", "hybrid_job"),
    )
    yield _forbidden(
        "only the pages draw, for PostProcess, Summarise, comparisons and on demand",
        ("functions", *_parts(("aws", *ON_THIS_MACHINE))),
        ("jinja2", "matplotlib"),
        ignore_imports=(
            "functions.post_process -> quantum_pipeline.pages",
            "functions.summarise -> quantum_pipeline.pages.study_page",
            "quantum_pipeline.cli.comparing -> quantum_pipeline.pages.comparison",
            "quantum_pipeline.cli.fetching -> quantum_pipeline.pages",
        ),
    )


def _layers(name: str, container: str, layers: Layers) -> Contract:
    return {
        "name": name,
        "type": "layers",
        "containers": (container,),
        "layers": [" | ".join(layer) for layer in layers],
        "exhaustive": "true",
    }


def _forbidden(
    name: str, sources: Iterable[str], forbidden: Iterable[str], **more: Iterable[str]
) -> Contract:
    return {
        "name": name,
        "type": "forbidden",
        "source_modules": sources,
        "forbidden_modules": forbidden,
        **more,
    }


def _parts(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"quantum_pipeline.{name}" for name in names)


def _text(value: str | Iterable[str]) -> str:
    return value if isinstance(value, str) else "\n".join(("", *value))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    """Write the contracts to FILE."""
    config = ConfigParser()
    config["importlinter"] = {
        "root_packages": _text(ROOTS),
        "include_external_packages": "true",
    }
    for number, contract in enumerate(contracts(), 1):
        config[f"importlinter:contract:{number}"] = {
            key: _text(value) for key, value in contract.items()
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as opened:
        config.write(opened)


if __name__ == "__main__":
    main()
