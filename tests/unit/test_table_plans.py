"""How a table is classified, with what, in which time: the plan of kernel and re-uploading."""

from __future__ import annotations

from typing import Any

import pytest

from quantum_pipeline.catalogue.record import family_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import packs
from quantum_pipeline.planning.estimates import estimate
from quantum_pipeline.planning.packs import prepare_pack
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.tables import counted_seconds
from quantum_pipeline.problems import Classification
from quantum_pipeline.problems.features import TableFeatures, features
from quantum_pipeline.requests.algorithm import SettledKernel, SettledReuploading
from quantum_pipeline.requests.pack import Pack
from quantum_pipeline.studies.conditions import without_use
from tests.planned import INSTANCE, NOON, planned
from tests.unit.tables import table


def settled(problem: dict[str, Any], **algorithm: Any) -> SettledKernel | SettledReuploading:
    found = planned({"problem": problem, "algorithm": algorithm}).request.algorithm
    assert isinstance(found, SettledKernel | SettledReuploading)
    return found


@pytest.mark.parametrize(
    ("n_rows", "width", "name", "landmarks"),
    [
        (40, 4, "kernel", None),
        (2666, 4, "kernel", None),  # 2000 are trained on
        (2672, 4, "kernel", 500),
        (1000, 16, "kernel", 500),  # 750^2 2^16 products: too many
        (2800, 16, "reuploading", None),  # 2100 2^16 16 bytes: more than 2 GiB
    ],
)
def test_auto_chooses_by_rows_and_qubits(
    n_rows: int, width: int, name: str, landmarks: int | None
) -> None:
    found = planned({"problem": table(n_rows, width, components=width)})

    assert (found.request.algorithm.name, found.request.algorithm.landmarks) == (name, landmarks)
    words = found.reasons.algorithm.words
    assert words.startswith(name)
    assert f"{len(found.request.problem.parts.trained):,} trained rows" in words  # type: ignore[union-attr]


def test_what_is_asked_is_kept() -> None:
    asked = {"bandwidth": 0.5, "encoding": "iqp", "kernel": "projected", "regularisation": 2.0}
    more = {"landmarks": 9, "folds": 3, "max_evaluations": 7, "depth": 5}
    found = settled(table(40), name="kernel", **asked, **more)
    assert found.model_dump(include={*asked, *more}) == asked | more

    asked = {"depth": 2, "max_epochs": 9, "folds": 2, "max_evaluations": 1}
    trained = settled(table(40), name="reuploading", batch_rows=1000, **asked)
    assert trained.model_dump(include={*asked}) == asked
    assert isinstance(trained, SettledReuploading)
    assert trained.batch_rows == 30


def test_folds_are_as_many_as_the_rarest_class_has_rows() -> None:
    assert settled(table(40)).folds == 5
    assert settled(table(8)).folds == 3


def test_fewer_settings_are_tried_where_there_is_less_time() -> None:
    problem = table(600)
    counts = []
    for seconds in (36_000, 600, 300, 1):
        limits = {"max_runtime_seconds": seconds}
        request = planned({"problem": problem, "limits": limits}).request
        assert isinstance(request.problem, Classification)
        assert isinstance(request.algorithm, SettledKernel)
        counts.append(request.algorithm.max_evaluations)
        fits = counted_seconds(request.problem, request.algorithm) <= seconds
        assert fits or counts[-1] == 3
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (24, 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"algorithm": {"name": "vqe"}},
            'algorithm.name: got "vqe"; allowed: auto, kernel or reup',
        ),
        ({"algorithm": {"optimizer": "spsa"}}, 'algorithm.optimizer: got "spsa"; allowed: nothing'),
        ({"algorithm": {"mixer": "ring"}}, 'algorithm.mixer: got "ring"; allowed: nothing here'),
        (
            {"algorithm": {"block_size": 3}},
            "algorithm.block_size: got 3; allowed: nothing here; bl",
        ),
        (
            {"algorithm": {"max_epochs": 3}},
            "algorithm.max_epochs: got 3; allowed: nothing here; ma",
        ),
        (
            {"algorithm": {"depth": "auto"}},
            'algorithm.depth: got "auto"; allowed: a number, or not',
        ),
        ({"algorithm": {"learn": True}}, "algorithm.learn: got true; allowed: false; of classifie"),
        (
            {"algorithm": {"landmarks": 31}},
            "algorithm.landmarks: got 31; allowed: 2 to 30, the row",
        ),
    ],
)
def test_what_no_classifier_has_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        planned({"problem": table(40), **asked})
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "problem",
    [
        {"type": "maxcut", "edges": [[0, 1]]},
        {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74},
        {"type": "labs", "n": 5},
    ],
    ids=["maxcut", "chemistry", "labs"],
)
@pytest.mark.parametrize("algorithm", [{"name": "kernel"}, {"folds": 3}, {"encoding": "iqp"}])
def test_a_classifier_is_for_tables_alone(problem: Any, algorithm: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^algorithm\.\w+: got .*; allowed: "):
        planned({"problem": problem, "algorithm": algorithm})


def test_a_table_that_does_not_fit_is_refused() -> None:
    asked = {"problem": table(4000, 16, components=16), "algorithm": {"name": "kernel"}}
    with pytest.raises(InvalidRequest, match=r"^problem: 16 qubits need 8\S* GiB in the job; allo"):
        planned(asked)


def test_the_record_of_a_table_has_no_model_and_its_features() -> None:
    found = planned({"problem": table(40, test_share=0.3), "shots": 10})
    record = PreparedRun.of(
        found,
        run_id="r",
        execution_arn="arn:aws:states:us-east-1:1:execution:a:b",
        problem_uri=None,
        created_at=NOON,
        prepare_seconds=0.0,
    )
    assert record.model is None
    assert PreparedRun.model_validate_json(record.model_dump_json()) == record
    known = features(found.request.problem)
    assert isinstance(known, TableFeatures)
    assert known == record.features
    assert (known.n_rows, known.n_columns, known.n_classes, known.balance) == (40, 4, 2, 1.0)
    assert family_of("classification", known, "kernel") == "classification/table/kernel"
    assert "classification, 4 qubits" in dict(estimate(found).lines())["problem"]


def test_tables_share_a_job() -> None:
    runs = [{"name": name, "request": {"problem": table(40)}} for name in ("one", "two")]
    pack = Pack.model_validate({"name": "p", "pack": runs})
    made = prepare_pack(pack, instance=INSTANCE, region="us-east-1", now=NOON)
    assert [run.found.request.algorithm.name for run in made.runs] == ["kernel", "kernel"]
    assert made.runs[0].demand == packs.demand_of(made.runs[1].found.request)


@pytest.mark.parametrize(
    ("name", "left_out", "kept"),
    [
        ("auto", {"max_epochs", "starts", "mixer", "ansatz", "block_size"}, {"folds", "depth"}),
        ("kernel", {"max_epochs", "batch_rows", "optimizer"}, {"encoding", "landmarks"}),
        ("reuploading", {"encoding", "bandwidth", "gammas"}, {"max_epochs", "batch_rows"}),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_studies_leave_out_what_means_nothing_to_a_classifier(
    name: str, left_out: set[str], kept: set[str], *, known: bool
) -> None:
    found = planned({"problem": table(40)}).request.problem if known else None
    if name == "auto" and found is None:
        return
    request = {"problem": table(40), "algorithm": {"name": name}}
    paths = set().union(*without_use(request, found))
    assert paths >= {f"algorithm.{each}" for each in left_out} | {"shots", "device", "noise"}
    assert not paths & {f"algorithm.{each}" for each in kept}
