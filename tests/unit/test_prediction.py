"""A stored kernel model: its scores by definition, in any company, here or in another process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.prediction import decided, predict
from quantum_pipeline.classification.stored import KernelModel, StoredModel

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(40, 6)) * 3 + 1
KERNELS = [("angle", "fidelity"), ("iqp", "fidelity"), ("reuploading", "projected")]


def stored(
    name: str = "iqp",
    kernel: str = "fidelity",
    n_classes: int = 3,
    n_qubits: int = 4,
    **changes: Any,
) -> dict[str, Any]:
    """Return a model of arbitrary numbers: six columns turned onto four components."""
    n_scores = 1 if n_classes == 2 else n_classes
    model: dict[str, Any] = {
        "kind": "kernel",
        "encoding": {"name": name, "n_qubits": n_qubits, "depth": 2},
        "kernel": kernel,
        "bandwidth": 0.7,
        "gamma": 0.3 if kernel == "projected" else None,
        "regularisation": 1.0,
        "support": RNG.normal(size=(9, n_qubits)).tolist(),
        "coefficients": RNG.normal(size=(n_scores, 9)).tolist(),
        "intercepts": RNG.normal(size=n_scores).tolist(),
    }
    scaling: dict[str, Any] = {
        "means": [1.0] * 6,
        "scales": [3.0] * 6,
        "components": np.linalg.qr(RNG.normal(size=(6, 6)))[0][:n_qubits].tolist(),
        "spreads": [1.0] * n_qubits,
    }
    columns = [{"name": f"c{k}", "words": None, "fill": None} for k in range(6)]
    classes = [f"class {k}" for k in range(n_classes)]
    made: dict[str, Any] = {"run_id": "r", "target": "t", "columns": columns, "classes": classes}
    return made | {"scaling": scaling, "model": model | changes}


def read(made: dict[str, Any]) -> StoredModel:
    return StoredModel.model_validate_json(json.dumps(made))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("name", "kernel"), KERNELS)
def test_scores_are_the_kernel_with_the_support_weighed(
    name: str, kernel: str, n_classes: int
) -> None:
    whole = read(stored(name, kernel, n_classes))
    found, model = predict(whole, ROWS), whole.model
    assert isinstance(model, KernelModel)
    points = (ROWS - 1) / 3 @ np.array(whole.scaling.components).T
    rows = model.bandwidth * np.vstack([points, model.support])
    if kernel == "fidelity":
        gram = kernels.fidelities(model.encoding, rows)
    else:
        gram = np.exp(-0.3 * kernels.distances(kernels.bloch_vectors(model.encoding, rows)))
    wanted = gram[:40, 40:] @ np.array(model.coefficients).T + model.intercepts
    assert abs(found.scores - wanted).max() < 1e-12
    assert (found.classes == decided(wanted)).all()


@pytest.mark.parametrize("n_qubits", [1, 4, 6])
@pytest.mark.parametrize(("name", "kernel"), KERNELS)
def test_a_row_has_the_same_scores_in_any_company(name: str, kernel: str, n_qubits: int) -> None:
    model = read(stored(name, kernel, n_qubits=n_qubits))
    whole = predict(model, ROWS).scores
    for places in ([7], [3, 7, 11], np.arange(39, -1, -1), np.arange(1, 38)):
        assert (predict(model, ROWS[places]).scores == whole[places]).all()


def test_another_process_with_other_threads_says_the_same_bit_for_bit(tmp_path: Path) -> None:
    made = [stored(*each, n_qubits=6) for each in KERNELS]
    (tmp_path / "models.json").write_text(json.dumps(made))
    np.save(tmp_path / "rows.npy", ROWS)
    program = """
import json, sys, numpy as np
from pathlib import Path
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.stored import StoredModel
folder = Path(sys.argv[1])
rows = np.load(folder / "rows.npy")
for each in json.loads((folder / "models.json").read_text()):
    model = StoredModel.model_validate_json(json.dumps(each))
    print(predict(model, rows).scores.tobytes().hex())
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = [predict(read(each), ROWS).scores.tobytes().hex() for each in made]
    assert ran.stdout.split() == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"support": [[0.0] * 3]}, "length of support: got 3; allowed: 4"),
        ({"coefficients": [[0.0] * 8] * 3}, "length of coefficients: got 8; allowed: 9"),
        ({"intercepts": [0.0]}, "length of intercepts: got 1; allowed: 3"),
        ({"gamma": 1.0}, "gamma: got 1.0; allowed: a number of the projected kernel alone"),
        ({"encoding": {"name": "iqp", "n_qubits": 40, "depth": 1}}, "got 40; allowed: up to 16"),
        ({"encoding": {"name": "iqp", "n_qubits": 4, "depth": 10**9}}, "depth: got 1000000000"),
    ],
)
def test_a_model_that_does_not_fit_itself_is_refused_by_name(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match="model") as refused:
        read(stored(**changes))
    assert said in str(refused.value)


def test_a_scaling_that_divides_by_zero_or_leads_elsewhere_is_refused() -> None:
    for change, said in [
        ({"scales": [0.0] * 6}, "greater than 0"),
        ({"means": [1.0] * 5}, "length of scales: got 6; allowed: 5"),
        ({"components": None, "spreads": None}, 'model: got "4 qubits"; allowed: 6'),
        ({"spreads": None}, "spreads: got null; allowed: one for each of components"),
    ]:
        made = stored()
        made["scaling"] |= change
        with pytest.raises(ValidationError) as refused:
            read(made)
        assert said in str(refused.value)


def test_numbers_survive_being_written() -> None:
    model = read(stored())
    assert StoredModel.model_validate_json(model.model_dump_json()) == model
