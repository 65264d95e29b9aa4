"""The Ising model and its conventions, against enumeration written out and against dimod."""

from __future__ import annotations

import itertools

import dimod
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import (
    Coupling,
    IsingModel,
    all_energies,
    energies,
    energy_of,
    spins_of,
)

numbers = st.floats(-100, 100, allow_subnormal=False)


@st.composite
def terms(draw: st.DrawFn, diagonal: bool = False) -> tuple[list[float], list[Coupling]]:
    linear = draw(st.lists(numbers, min_size=1, max_size=6))
    n = len(linear)
    pairs = [(i, j) for i in range(n) for j in range(n) if diagonal or i != j]
    quadratic = (
        [(*pair, draw(numbers)) for pair in draw(st.lists(st.sampled_from(pairs)))] if pairs else []
    )
    return linear, quadratic


def bitstrings(n: int) -> list[str]:
    return ["".join(bits) for bits in itertools.product("01", repeat=n)]


@given(terms(), numbers)
def test_spins_have_the_energy_that_dimod_gives_them(
    given_terms: tuple[list[float], list[Coupling]], offset: float
) -> None:
    fields, couplings = given_terms
    model = IsingModel.from_spins(fields, couplings, offset)
    peer = dimod.BinaryQuadraticModel(dict(enumerate(fields)), {}, offset, "SPIN")
    for i, j, value in couplings:
        peer.add_quadratic(i, j, value)
    spins = np.array(list(itertools.product((1, -1), repeat=len(fields))), np.int8)
    assert energies(model, spins) == pytest.approx(peer.energies(spins), abs=model.tolerance)


@given(terms(diagonal=True), numbers)
def test_bits_have_the_value_of_the_written_out_sum(
    given_terms: tuple[list[float], list[Coupling]], constant: float
) -> None:
    linear, quadratic = given_terms
    model = IsingModel.from_bits(linear, quadratic, constant)
    for bitstring in bitstrings(len(linear)):
        x = [int(bit) for bit in bitstring]
        value = constant + sum(a * b for a, b in zip(linear, x, strict=True))
        value += sum(q * x[i] * x[j] for i, j, q in quadratic)
        assert energy_of(model, bitstring) == pytest.approx(value, abs=1e-9)


@given(terms(), numbers)
def test_all_energies_are_the_energies_of_all_bitstrings_in_binary_order(
    given_terms: tuple[list[float], list[Coupling]], offset: float
) -> None:
    model = IsingModel.from_spins(*given_terms, offset)
    one_by_one = energies(model, spins_of(bitstrings(model.n_variables)))
    assert all_energies(model) == pytest.approx(one_by_one, abs=model.tolerance)


@given(terms(), numbers)
def test_no_energy_is_farther_from_the_offset_than_the_scale(
    given_terms: tuple[list[float], list[Coupling]], offset: float
) -> None:
    model = IsingModel.from_spins(*given_terms, offset)
    assert np.abs(all_energies(model) - model.offset).max() <= model.scale + model.tolerance


def test_bit_zero_is_spin_up_and_the_leftmost_bit_is_variable_zero() -> None:
    model = IsingModel.from_spins([1.0, 10.0, 100.0], [])
    assert spins_of(["011"]).tolist() == [[1, -1, -1]]
    assert energy_of(model, "011") == 1 - 10 - 100
    assert all_energies(model)[0b011] == 1 - 10 - 100


def test_couplings_are_kept_once_a_pair_lower_index_first_without_zeros() -> None:
    model = IsingModel.from_spins([0, 0, 0], [(2, 0, 1.5), (0, 2, 1.0), (1, 2, 3.0), (2, 1, -3.0)])
    assert model.couplings == ((0, 2, 2.5),)


def test_a_model_survives_json() -> None:
    model = IsingModel.from_bits([0.1, -0.2, 1e-9], [(0, 2, 1 / 3)], 7.0)
    assert IsingModel.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("coupling", [[1, 0, 1.0], [0, 0, 1.0], [0, 2, 1.0], [-1, 1, 1.0]])
def test_a_coupling_that_is_no_ordered_pair_is_refused(coupling: list[float]) -> None:
    with pytest.raises(ValidationError, match="i < j, both from 0 to 1"):
        IsingModel.model_validate({"fields": [0.0, 0.0], "couplings": [coupling]})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_has_finite_numbers_only(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        IsingModel(fields=(value,), couplings=())


@pytest.mark.parametrize(
    ("spins", "named"),
    [([[1, 1, 1]], "shape|\\[1, 3\\]"), ([1, 1], "\\[2\\]"), ([[1, 0]], "entries -1 or \\+1")],
)
def test_spins_of_another_form_are_refused(spins: list[object], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        energies(IsingModel.from_spins([0, 0], []), np.array(spins, np.int8))
