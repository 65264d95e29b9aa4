"""Deliberate mistakes of a user of ``qpipe``: each is told in one line, with what to do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main

TRIANGLE: dict[str, Any] = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 0]]}
QUBO: dict[str, Any] = {"type": "qubo", "linear": [1.0, -1.0]}
H2: dict[str, Any] = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74}
ROWS: dict[str, Any] = {"type": "classification", "target": "kind", "columns": ["size", "kind"],
                        "rows": [[k * k % 5, "ab"[k % 2]] for k in range(12)]}  # fmt: skip


def qpipe(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)


def request(problem: Any = TRIANGLE, **fields: Any) -> str:
    return json.dumps({"problem": problem, **fields})


MISTAKES: list[tuple[str, str | bytes, str]] = [
    # fields
    ("r.json", request(shot=10), "shot: no such field; did you mean shots?"),
    ("r.json", request(Shots=10), "Shots: no such field; did you mean shots?"),
    ("r.json", request(algoritm={}), "algoritm: no such field; did you mean algorithm?"),
    ("r.json", request(algorithm={"dept": 2}), "dept: no such field; did you mean depth?"),
    ("r.json", request(limits={"max_cost": 2}), "no such field; did you mean max_cost_usd?"),
    ("r.json", request(zzz=1), "zzz: no such field; allowed: problem, algorithm, device"),
    ("r.json", request({**TRIANGLE, "edge": []}), "edge: no such field; did you mean edges?"),
    ("r.json", request({**QUBO, "quadratics": []}), "no such field; did you mean quadratic?"),
    # values and names
    ("r.json", request({**TRIANGLE, "type": "MaxCut"}), "; did you mean maxcut?"),
    ("r.json", request({**TRIANGLE, "type": "max-cut"}), "; did you mean maxcut?"),
    ("r.json", request(algorithm={"name": "qoaa"}), "; did you mean qaoa?"),
    ("r.json", request(algorithm={"optimizer": "LBFGSB"}), "; did you mean l-bfgs-b?"),
    ("r.json", request({**H2, "molecule": "LIH"}), "; did you mean LiH?"),
    ("r.json", request({**H2, "basis": "6-31g*"}), "; did you mean 6-31g?"),
    ("r.json", request({**H2, "basis": "cc-pVTZ"}), "allowed: one of sto-3g, 6-31g, 6-311g, cc-"),
    ("r.json", request(device="Garnett"), "did you mean Garnet?"),
    ("r.json", request(device="fort"), "did you mean Forte-1 or Forte-Enterprise-1?"),
    ("r.json", request({**ROWS, "target": "Kind"}), "; did you mean kind?"),
    ("r.json", request({**ROWS, "missing": "inpute"}), "; did you mean impute?"),
    ("r.json", request(ROWS, algorithm={"kernel": "rbf"}), "one of auto, fidelity, projected"),
    ("r.json", request({**QUBO, "sense": "maximize"}), "; did you mean maximise?"),
    ("r.json", request({**QUBO, "sense": "min"}), "allowed: one of minimise, maximise"),
    ("r.json", request(shots="1000"), 'shots: got "1000"; allowed: an integer from 1 to 50000'),
    ("r.json", request(shots=0), "shots: got 0; allowed: an integer from 1 to 50000"),
    ("r.json", request({**H2, "bond_length_angstrom": "0.74"}), "allowed: a number from 0.1"),
    # JSON that is none, or something else
    ("r.json", "", "got nothing; allowed: JSON in UTF-8"),
    ("r.json", "{'problem': 1}", "not JSON (line 1, column 2"),
    ("r.json", '{"problem": {},}', "a comma behind the last item"),
    ("r.json", "[[0, 1], [1, 2]]", "got a list; allowed: an object: a request, a problem"),
    ("r.json", "3", "got 3; allowed: an object"),
    ("r.json", '{"edges": [[0, 1]]}', "problem.type: missing; allowed: one of"),
    ("r.json", '{"type": "maxcat", "edges": [[0, 1]]}', "; did you mean maxcut?"),
    ("r.json", request().encode("utf-16"), "text in UTF-16; allowed: UTF-8; save it in UTF-8"),
    # files
    ("r.jsn", request()[:-3], "not JSON"),
    ("r.docx", b"PK\x03\x04", "a zip archive; unpack it first"),
    ("graph.pkl", b"\x80\x04N.", "a pickle of Python, which could run anything"),
    ("graph.gz", b"\x1f\x8b\x08", "gzip that breaks off"),
    ("notes.md", "# title\n\nmy graph\n", '".md" is no suffix that is read; allowed: .mc, .rud'),
    ("e.txt", "0 1 2\n1 2 -3\n0 2 1\n2 3 1\n", "2 ways; allowed: --as edges (edges of a"),
    ("q.txt", "2 1\n1 2 -7\n", "3 ways; allowed: --as rudy (a graph: its"),
    ("m.csv", "0,-1\n-1,0\n", "2 ways; allowed: --as maxcut (the weights of a graph's edges"),
    ("g.mc", "0 1\n1 2\n", 'line 1, nodes: got "0"; allowed: an integer from 1'),
    ("g.mc", "3 2\n1 2\n", 'line 1: got "3 2"; allowed: as many edges as lines follow, 1'),
    ("g.mc", "3 1\n0 1\n", 'line 2, node: got "0"; allowed: an integer from 1 to 3'),
    ("g.mc", "3 1\n1,2\n", 'line 2: got "1,2"; allowed: "i j" or "i j weight"'),
    ("g.mc", "2 1\n1 2 1,5\n", 'value: got "1,5"; allowed: a finite number'),
    ("g.edges", "a b\nb a\n", "each edge once; it stands in line 1 already"),
    ("g.csv", "source,target\na\n", "as many values as the first line has names"),
    ("t.csv", "size,width,age,kind\n1,2,3,x\n3,4,5,y\n", "--target COLUMN is missing"),
    ("g.col", "p edge 2 1\ne 0 1\n", 'line 2, node: got "0"; allowed: an integer from 1 to 2'),
    ("g.gml", "graph [ directed 1 node [id 0] node [id 1] edge [source 0 target 1] ]",
     "got a directed graph; allowed: an undirected one"),
    ("g.graphml", "<html></html>", "no GraphML"),
    ("c.coo", "# vartype=INTEGER\n0 1 1\n", "allowed: vartype=SPIN or vartype=BINARY"),
    ("c.coo", "1.0 2.0 3\n", 'variable: got "1.0"; allowed: an integer from 0'),
    ("m.xyz", "2\nH 0 0 0\nH 0 0 0.74\n", "line 2 looks like a nucleus, so the comment's line"),
    ("m.xyz", "2\n\nH 0 0 0\nH 0 0\n", 'line 4: got "H 0 0"; allowed: "element x y z"'),
    ("m.xyz", "1\n\nFe 0 0 0\n", 'element: got "Fe"; allowed: elements H to Ar'),
    ("m.xyz", "1\n0 2\nHe 0 0 0\n", "multiplicity: got 2; allowed: odd numbers"),
    ("m.xyz", "1\na\nHe 0 0 0\n1\nb\nHe 0 0 0\n", "one of them, by --frame 1 to --frame 2"),
    # studies
    ("s.json", json.dumps({"name": "s", "base": {}, "vary": {"shot": [1]}}),
     "vary.shot: no such field; did you mean shots?"),
    ("s.json", json.dumps({"name": "s", "base": {}, "vary": {"shots": [1]}}),
     "run 0 (shots 1): problem: missing; allowed: an object whose type is one of"),
    ("s.json", json.dumps({"name": "s", "base": {}, "vary": {"shots": []}, "strategi": {}}),
     "strategi: no such field; did you mean strategy?"),
    # programs, clauses, tours
    ("a.cnf", "p cnf 3 2\n1 -2 0\n", "allowed: as many clauses as follow, 1"),
    ("b.tsp", "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_4D\nNODE_COORD_SECTION\n1 0 0\n",
     'line 3, EDGE_WEIGHT_TYPE: got "EUC_4D"; allowed: EXPLICIT, EUC_2D'),
    ("c.lp", "Minimize\n obj: x + y\nSubject To\n c: x + y >= 1\nEnd\n",
     'variable "x": got a continuous one; allowed: binary and integer variables'),
    ("f.fcidump", "&FCI NORB=2,NELEC=2\n", "the header does not end; allowed: &END or / after it"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_in_one_line(
    name: str, content: str | bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    found = qpipe("validate", str(file))
    assert found.exit_code == 2
    assert found.stdout == ""
    told = [line for line in found.stderr.splitlines() if line.startswith("InvalidRequest: ")]
    assert len(told) == 1
    assert said in told[0]
    assert found.stderr.splitlines()[-1] == told[0]  # nothing below it


def test_a_name_that_is_no_file_is_answered_with_the_one_that_is_like_it(tmp_path: Path) -> None:
    (tmp_path / "petersen.json").write_text(request(), "utf-8")
    found = qpipe("run", str(tmp_path / "peterson.json"))
    assert f"did you mean {tmp_path / 'petersen.json'}?" in found.stderr
    assert "did you mean" not in qpipe("run", str(tmp_path / "other.mtx")).stderr


@pytest.mark.parametrize("command", ["validate", "estimate", "convert"])
def test_as_and_frame_are_told_what_there_is(command: str, tmp_path: Path) -> None:
    file = tmp_path / "g.mc"
    file.write_text("2 1\n1 2\n", "utf-8")
    assert 'got "rudi"; allowed: one of rudy' in qpipe(command, str(file), "--as", "rudi").stderr
    file = tmp_path / "m.xyz"
    file.write_text("1\n\nHe 0 0 0\n", "utf-8")
    assert "--frame: got 2; allowed: 1 to 1" in qpipe(command, str(file), "--frame", "2").stderr


def test_a_refusal_is_an_object_where_json_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(request(shot=1, algoritm={}), "utf-8")
    found = qpipe("estimate", str(file), "--json")
    assert (found.exit_code, found.stderr) == (2, "")
    assert json.loads(found.stdout) == {
        "error": "InvalidRequest",
        "sentences": [
            "shot: no such field; did you mean shots?",
            "algoritm: no such field; did you mean algorithm?",
        ],
        "exit_status": 2,
    }


def test_an_estimate_above_its_limit_is_one_object_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    asked = request(device="Forte 1", shots=5000)
    file.write_text(asked, "utf-8")
    found = qpipe("estimate", str(file), "--json")
    assert found.exit_code == 3
    assert json.loads(found.stdout)["cost"]
    assert found.stderr.startswith("BudgetExceeded: ")


def test_a_converted_file_is_a_request_that_is_read_again(tmp_path: Path) -> None:
    written = tmp_path / "request.json"
    packed = gzip.compress(b"0 1 5\n1 2 3\n2 0 1\n")
    found = qpipe("convert", "-", "-o", str(written), stdin=packed)
    assert found.exit_code == 0
    assert "standard input: maxcut, read as edges" in found.stderr
    data = json.loads(written.read_text("utf-8"))
    assert data["source"] == {"file": "standard input", "format": "edges", "notes": []}
    again = qpipe("convert", str(written))
    assert (json.loads(again.stdout), again.stderr) == (data, "")
    assert qpipe("convert", str(written), "-o", str(tmp_path)).exit_code == 2
