"""Make the examples of classification in events/requests: from scikit-learn's data, and drawn.

    python -m scripts.tables

Fisher's irises, wines and the breast cancers of Wisconsin come with scikit-learn; the moons are its
``make_moons``. The hidden manifold is after Goldt et al., Phys. Rev. X 10, 041044 (2020), and
Bowles, Ahmed and Schuld, arXiv:2403.07059: numbers of few dimensions, whose class a small
network decides, seen through a random layer as many columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_moons

REQUESTS = Path(__file__).resolve().parents[1] / "events" / "requests"

Real = NDArray[np.float64]


def _problem(
    columns: Sequence[str], rows: Iterable[Sequence[float]], classes: Iterable[str], **asked: Any
) -> dict[str, Any]:
    """Return the problem of rows whose class is in a last column."""
    return {
        "type": "classification",
        "target": "class",
        **asked,
        "columns": [*columns, "class"],
        "rows": [[*row, name] for row, name in zip(rows, classes, strict=True)],
    }


def _loaded(found: Any, every: int = 1, width: int | None = None, **asked: Any) -> dict[str, Any]:
    """Return the problem of one of scikit-learn's tables: some of its rows and first columns."""
    names = [str(name).removesuffix(" (cm)").replace(" ", "_") for name in found.feature_names]
    classes = [str(found.target_names[number]) for number in found.target[::every]]
    return _problem(names[:width], found.data[::every, :width].tolist(), classes, **asked)


def hidden_manifold(n_rows: int, n_columns: int, n_hidden: int, seed: int) -> tuple[Real, Real]:
    """Return rows x = tanh(W u + b) of hidden numbers u, and a sign that a network has of u.

    W has entries of variance 1 / n_hidden, b is uniform, and the sign is that of v . tanh(V u) less
    its median, so that both are as frequent.
    """
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(n_rows, n_hidden))
    outer = generator.normal(size=(n_hidden, n_columns)) / np.sqrt(n_hidden)
    rows = np.tanh(hidden @ outer + generator.uniform(size=n_columns))
    inner = generator.normal(size=(n_hidden, n_hidden)) / np.sqrt(n_hidden)
    scores = np.tanh(hidden @ inner) @ generator.normal(size=n_hidden)
    return rows, np.sign(scores - np.median(scores))


def requests() -> dict[str, dict[str, Any]]:
    """Return the examples by their files' names."""
    moons, halves = make_moons(160, noise=0.2, random_state=0)
    few, sides = make_moons(40, noise=0.15, random_state=3)
    turned = few @ np.random.default_rng(5).normal(size=(2, 4))
    seen, signs = hidden_manifold(150, 6, 3, seed=1)
    return {
        "iris": {"name": "irises", "problem": _loaded(load_iris()), "seed": 7},
        "wine": {
            "name": "wines by their five main components",
            "problem": _loaded(load_wine(), components=5),
            "algorithm": {"name": "kernel", "kernel": "projected"},
        },
        "breast_cancer": {
            "name": "a third of the tumours by their means",
            "problem": _loaded(load_breast_cancer(), every=3, width=10, components=6),
            "algorithm": {"name": "kernel", "encoding": "angle"},
        },
        "two_moons": {
            "name": "two moons",
            "problem": _problem(
                ["x", "y"],
                moons.round(3).tolist(),
                ["upper" if not each else "lower" for each in halves],
            ),
            "algorithm": {"name": "reuploading", "depth": 3, "max_evaluations": 2},
        },
        "moons_on_garnet": {
            "name": "moons in four columns on Garnet",
            "problem": _problem(
                [f"x{k}" for k in range(4)],
                turned.round(3).tolist(),
                ["upper" if not each else "lower" for each in sides],
            ),
            "algorithm": {"name": "kernel", "landmarks": 6, "max_evaluations": 12},
            "device": "garnet",
            "shots": 60,
            "mitigation": "auto",
            "seed": 7,
            "limits": {"max_cost_usd": 25.0},
        },
        "hidden_manifold": {
            "name": "three hidden numbers in six columns",
            "problem": _problem(
                [f"x{k}" for k in range(seen.shape[1])],
                seen.round(3).tolist(),
                ["plus" if each > 0 else "minus" for each in signs],
                test_share=0.3,
            ),
            "algorithm": {"name": "kernel", "kernel": "fidelity", "max_evaluations": 12},
        },
    }


def text_of(request: dict[str, Any]) -> str:
    """Return a request as its file has it: a row of the table in a line."""
    problem = dict(request["problem"])
    lines = ",\n".join(f"      {json.dumps(row)}" for row in problem["rows"])
    text = json.dumps({**request, "problem": {**problem, "rows": "ROWS"}}, indent=2)
    return text.replace('"ROWS"', f"[\n{lines}\n    ]") + "\n"


def main() -> None:
    """Write the files."""
    for name, request in requests().items():
        path = REQUESTS / f"classification_{name}.json"
        path.write_text(text_of(request), encoding="utf-8")


if __name__ == "__main__":
    main()
