"""Mitigated energies of devices whose noise is known in closed form."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.compilation.logical import qaoa_circuit
from hybrid_job.on_device.measurement import Bits, Compiled, Counts, Measurement, Setting
from hybrid_job.on_device.mitigating.checks import calibration_angles
from hybrid_job.on_device.mitigating.deciding import decided
from hybrid_job.on_device.mitigating.protocol import Protocol
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.requests.mitigation import CHECKS, Extrapolation, Mitigation
from quantum_pipeline.results.device_run import Check, Estimated
from tests.job.devices_by_hand import vector

N = 4
RING = IsingModel.from_spins([0.0] * N, [(i, (i + 1) % N, 0.5) for i in range(N)], -N / 2)
"""MaxCut of a ring: the lowest energy is -4."""

ANGLES = np.array([[math.pi / 4], [-math.pi / 8]])
"""Of depth one on a ring, three quarters of the edges are cut: the energy is -3."""

MANY = 10**12
WRONG = np.array([[0.02, 0.05], [0.01, 0.04], [0.03, 0.03], [0.02, 0.08]])

Real = NDArray[np.float64]


def exact(angles: Real) -> float:
    engine = Qaoa(all_energies(RING.model_copy(update={"offset": 0.0})))
    return engine.energy(angles) + RING.offset


def plain(angles: Real) -> Setting:
    return Setting(Compiled(qaoa_circuit(RING, angles), tuple(range(N))), RING)


def is_even(bits: Bits) -> NDArray[np.bool_]:
    return np.asarray(bits[:, 0] == 0)


def relative(bits: Bits) -> Bits:
    """Bit i against bit 0, which the parity of the flip of all bits has taken."""
    return np.concatenate([np.zeros_like(bits[:, :1]), bits[:, 1:]], axis=1)


def verified(angles: Real) -> Setting:
    """The flip of all bits, measured on qubit 0."""
    circuit = qaoa_circuit(RING, angles)
    for qubit in range(1, N):
        circuit.cnot(0, qubit)
    circuit.h(0)
    return Setting(Compiled(circuit, tuple(range(N))), RING, relative, is_even)


def measurement(angles: Real = ANGLES, *, known: bool = False) -> Measurement:
    energy = exact(angles) if known else None
    return Measurement((plain(angles),), (verified(angles),), energy)


def checks() -> list[Measurement]:
    return [measurement(angles, known=True) for angles in calibration_angles(ANGLES, CHECKS)]


def ideal(circuit: Circuit) -> Real:
    return np.asarray(np.abs(vector(circuit, range(N)).ravel()) ** 2)


class Device:
    """Each two-qubit gate mixes the state with probability ``mixing``; then qubits are misread."""

    def __init__(
        self, mixing: float = 0.02, wrong: Real = WRONG, *, folding_counts: bool = True
    ) -> None:
        self.mixing, self.wrong, self.folding_counts = mixing, wrong, folding_counts

    def distribution(self, compiled: Compiled) -> Real:
        gates = compiled.two_qubit_gates if self.folding_counts else 8
        left = (1 - self.mixing) ** gates
        read = left * ideal(compiled.circuit) + (1 - left) / (1 << N)
        matrix = np.ones((1, 1))
        for e0, e1 in self.wrong:
            matrix = np.kron(matrix, np.array([[1 - e0, e1], [e0, 1 - e1]]))
        return np.asarray(matrix @ read)

    def exact_counts(self, circuits: Sequence[Compiled]) -> list[Counts]:
        return [counts_of(MANY * self.distribution(each)) for each in circuits]


def counts_of(weights: Real) -> Counts:
    return {f"{k:0{N}b}": round(weight) for k, weight in enumerate(weights) if weight >= 0.5}


def sampled(distributions: Sequence[Real], shots: int, rng: np.random.Generator) -> list[Counts]:
    return [
        counts_of(rng.multinomial(shots, each / each.sum()).astype(float)) for each in distributions
    ]


BOTH = Mitigation(readout=True, zne="exponential")

ASKED = [
    Mitigation(readout=readout, zne=zne, symmetry=symmetry, scales=scales)
    for readout, zne, symmetry, scales in itertools.product(
        [False, True],
        ["none", "linear", "exponential"],
        [False, True],
        [(1.0, 2.0), (1.0, 3.0, 5.0)],
    )
    if readout or symmetry or zne != "none"
]


@pytest.mark.parametrize("settings", [1, 3])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_circuits_are_as_many_as_the_request_is_said_to_take(
    asked: Mitigation, *, apart: bool, settings: int
) -> None:
    own = (plain(ANGLES),) * settings
    checked = Setting(own[0].compiled, RING, None, is_even)
    whole = Measurement(own, (verified(ANGLES) if apart else checked,) * settings)

    made = Protocol(asked, whole, [whole] * CHECKS, 100)

    assert len(made.circuits) == asked.executables(settings, verified_apart=apart)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_counts_of_the_plain_settings_are_returned_and_are_the_raw_energy(
    asked: Mitigation,
) -> None:
    protocol = Protocol(asked, measurement(), checks(), 1000)
    counts = Device().exact_counts(protocol.circuits)

    returned, outcome = protocol.outcome(counts)

    assert returned == Device().exact_counts([plain(ANGLES).compiled])
    read = Device().distribution(plain(ANGLES).compiled)
    assert outcome.raw.energy == pytest.approx(all_energies(RING) @ read, abs=1e-9)
    assert outcome.extra_shots == 1000 * (len(protocol.circuits) - 1)


def test_exact_counts_of_a_depolarised_and_misread_ring_give_its_energy() -> None:
    protocol = Protocol(BOTH, measurement(), checks(), MANY)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.raw.energy > -2.8
    assert outcome.mitigated.energy == pytest.approx(-3, abs=1e-4)
    assert (outcome.kept, outcome.best) == ("mitigated", outcome.mitigated)
    assert outcome.methods == ("readout", "zne")
    assert (outcome.extrapolation, outcome.extrapolation_used) == ("exponential", ("exponential",))
    assert [each.scale for each in outcome.scaled] == [1, 3, 5]
    assert [each.mitigated.energy for each in outcome.checks] == pytest.approx(
        [each.exact for each in outcome.checks], abs=1e-4
    )
    assert "on 2 calibration circuits of known energy the error is" in outcome.kept_because


def test_readout_alone_leaves_the_noise_of_the_gates() -> None:
    protocol = Protocol(Mitigation(readout=True), measurement(), checks(), MANY)

    _, outcome = protocol.outcome(Device(mixing=0.01).exact_counts(protocol.circuits))

    assert outcome.mitigated.energy == pytest.approx(-2 - 0.99**4, abs=1e-6)


@pytest.mark.parametrize("corrected", [False, True])
def test_the_flip_of_all_bits_takes_out_the_half_of_mixed_shots_that_break_it(
    *, corrected: bool
) -> None:
    mitigation = Mitigation(symmetry=True, readout=corrected)
    protocol = Protocol(mitigation, measurement(), checks(), MANY)
    device = Device(mixing=0.03, wrong=WRONG if corrected else 0 * WRONG)

    _, outcome = protocol.outcome(device.exact_counts(protocol.circuits))

    left = 0.97 ** (4 + 3)  # three more gates measure the flip
    accepted = left + (1 - left) / 2
    assert outcome.mitigated.energy == pytest.approx(-2 - left / accepted, abs=1e-6)
    if not corrected:
        assert outcome.scaled[0].accepted == pytest.approx(accepted, abs=1e-6)


def test_a_flip_that_is_checked_is_extrapolated_by_the_decay_that_it_has() -> None:
    mitigation = Mitigation(readout=True, zne="exponential", symmetry=True)
    protocol = Protocol(mitigation, measurement(), checks(), MANY)

    _, outcome = protocol.outcome(Device(mixing=0.03).exact_counts(protocol.circuits))

    assert outcome.mitigated.energy == pytest.approx(-3, abs=1e-4)
    assert outcome.methods == ("readout", "symmetry", "zne")


def test_settings_that_decay_unlike_each_other_are_extrapolated_each_by_itself() -> None:
    deep = Circuit(qaoa_circuit(RING, ANGLES))
    for _ in range(6):
        deep.cz(0, 1).cz(0, 1)
    own = (plain(ANGLES), Setting(Compiled(deep, tuple(range(N))), RING))
    protocol = Protocol(BOTH, Measurement(own, None), [], MANY)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.mitigated.energy == pytest.approx(2 * -3, abs=1e-3)


def test_settings_that_are_extrapolated_unlike_each_other_have_two_forms() -> None:
    mixed = Setting(Compiled(Circuit().h(range(N)), tuple(range(N))), RING)
    protocol = Protocol(BOTH, Measurement((plain(ANGLES), mixed), None), [], MANY)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.extrapolation_used == ("exponential", "linear")


def test_a_symmetry_that_the_settings_show_themselves_takes_no_circuit_of_its_own() -> None:
    def has_two_ones(bits: Bits) -> NDArray[np.bool_]:
        return np.asarray(bits.sum(axis=1) == 2)

    circuit = Compiled(Circuit().x(0).x(2).cz(0, 1), tuple(range(N)))
    checked = Setting(circuit, RING, None, has_two_ones)
    whole = Measurement((Setting(circuit, RING),), (checked,), exact=-4)
    protocol = Protocol(Mitigation(symmetry=True), whole, [whole, whole], MANY)

    plain_counts, outcome = protocol.outcome(
        Device(mixing=0.3, wrong=0 * WRONG).exact_counts(protocol.circuits)
    )

    assert len(protocol.circuits) == 3
    assert len(plain_counts) == 1
    # Of the six outcomes with two ones, two have energy -4 and four have -2: 0.3 / 16 each.
    mixed = 0.3 / 16
    energy = (0.7 * -4 + mixed * (2 * -4 + 4 * -2)) / (0.7 + 6 * mixed)
    assert outcome.mitigated.energy == pytest.approx(energy, abs=1e-6)
    assert outcome.raw.energy == pytest.approx(0.7 * -4 + 0.3 * -2, abs=1e-6)
    assert outcome.kept == "mitigated"


def test_the_raw_energy_is_of_all_shots_whatever_symmetry_the_settings_check() -> None:
    compiled = plain(ANGLES).compiled
    checked = (Setting(compiled, RING, None, is_even),)
    protocol = Protocol(Mitigation(symmetry=True), Measurement(checked, checked), [], 100)

    _, outcome = protocol.outcome([{"0101": 60, "1111": 40}])

    assert outcome.raw.energy == pytest.approx(0.6 * -4)
    assert outcome.mitigated.energy == -4


@pytest.mark.parametrize("zne", ["none", "exponential"])
def test_errors_of_shots_and_of_readout_circuits_are_both_in_the_stated_one(
    zne: Extrapolation,
) -> None:
    # A basis state that is often misread: the probabilities of that are much of the error.
    circuit = Compiled(Circuit().x(0).x(2).cz(0, 1), tuple(range(N)))
    mitigation = Mitigation(readout=True, zne=zne, scales=(1.0, 3.0))
    own = Measurement((Setting(circuit, RING),), None)
    protocol = Protocol(mitigation, own, [], 500)
    device = Device(0.02, np.full((N, 2), 0.15))
    distributions = [device.distribution(each) for each in protocol.circuits]
    rng = np.random.default_rng(8)

    found = [protocol.outcome(sampled(distributions, 500, rng))[1] for _ in range(300)]

    spread = np.std([each.mitigated.energy for each in found], ddof=1)
    stated = np.mean([each.mitigated.standard_error for each in found])
    assert stated == pytest.approx(spread, rel=0.1)


def test_a_noise_that_folding_does_not_stretch_is_not_called_mitigated() -> None:
    protocol = Protocol(Mitigation(zne="linear"), measurement(), checks(), 1000)
    device = Device(0.03, 0 * WRONG, folding_counts=False)
    distributions = [device.distribution(each) for each in protocol.circuits]

    _, outcome = protocol.outcome(sampled(distributions, 1000, np.random.default_rng(1)))

    assert (outcome.kept, outcome.best) == ("raw", outcome.raw)
    assert re.search("makes it (larger|no smaller)|is within its error, 0", outcome.kept_because)


def test_without_noise_the_raw_energy_counts() -> None:
    protocol = Protocol(BOTH, measurement(), checks(), 1000)
    distributions = [Device(0.0, 0 * WRONG).distribution(each) for each in protocol.circuits]

    kept = [
        protocol.outcome(sampled(distributions, 1000, np.random.default_rng(seed)))[1].kept
        for seed in range(20)
    ]

    assert kept.count("raw") >= 18


def test_nothing_counts_as_mitigated_where_no_energy_is_known_to_judge_by() -> None:
    unknown = [measurement(angles) for angles in calibration_angles(ANGLES, CHECKS)]
    protocol = Protocol(BOTH, measurement(), unknown, MANY)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.kept == "raw"
    assert "no calibration circuit has a known energy" in outcome.kept_because


def test_an_energy_below_the_lowest_counts_as_that_and_says_so() -> None:
    protocol = Protocol(BOTH, measurement(), checks(), MANY, lowest=-2.9)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.mitigated.energy == -2.9
    assert "is 0.1 below the lowest that there is: it is that" in outcome.kept_because


def test_a_qubit_that_is_read_at_random_leaves_the_readout_as_it_is_and_says_so() -> None:
    wrong = WRONG.copy()
    wrong[2] = (0.5, 0.45)
    protocol = Protocol(Mitigation(readout=True), measurement(), checks(), MANY)

    _, outcome = protocol.outcome(Device(0.0, wrong).exact_counts(protocol.circuits))

    assert outcome.mitigated.energy == pytest.approx(outcome.raw.energy)
    assert "no readout correction: qubit 2 is read almost at random" in outcome.kept_because


def test_too_few_shots_that_obey_the_symmetry_leave_the_raw_energy() -> None:
    protocol = Protocol(Mitigation(symmetry=True), measurement(), checks(), 100)
    odd: Counts = {"1000": 100}

    _, outcome = protocol.outcome([odd] * len(protocol.circuits))

    assert (outcome.kept, outcome.mitigated.energy) == ("raw", outcome.raw.energy)
    assert outcome.kept_because == "too few shots obey the symmetry at some noise scale"
    assert outcome.extrapolation_used == ()


def test_the_stated_error_has_in_it_what_is_left_of_the_known_circuits_errors() -> None:
    off = [
        Measurement(each.plain, each.verified, each.exact + 0.05) for each in checks() if each.exact
    ]
    protocol = Protocol(BOTH, measurement(), off, MANY)

    _, outcome = protocol.outcome(Device().exact_counts(protocol.circuits))

    assert outcome.mitigated.standard_error == pytest.approx(0.05, abs=1e-3)


@cache
def repeats(zne: Extrapolation, shots: int) -> list[tuple[float, float, float, str]]:
    """Errors of 200 sampled outcomes: mitigated, stated, raw; and which counts."""
    mitigation = Mitigation(readout=True, zne=zne)
    protocol = Protocol(mitigation, measurement(), checks(), shots)
    distributions = [Device().distribution(each) for each in protocol.circuits]
    rng = np.random.default_rng(5)
    made = [protocol.outcome(sampled(distributions, shots, rng))[1] for _ in range(200)]
    return [
        (
            abs(each.mitigated.energy + 3),
            each.mitigated.standard_error,
            abs(each.raw.energy + 3),
            each.kept,
        )
        for each in made
    ]


@pytest.mark.parametrize("zne", ["none", "exponential", "linear"])
def test_the_stated_error_covers_two_in_three_and_twice_of_it_nineteen_in_twenty(
    zne: Extrapolation,
) -> None:
    found = repeats(zne, 1000)

    assert sum(error <= stated for error, stated, _, _ in found) >= 0.65 * len(found)
    assert sum(error <= 2 * stated for error, stated, _, _ in found) >= 0.94 * len(found)


def test_the_stated_error_is_not_so_large_that_it_says_nothing() -> None:
    found = repeats("exponential", 1000)

    actual = math.sqrt(np.mean([error**2 for error, *_ in found]))
    assert np.median([stated for _, stated, _, _ in found]) < 2 * actual


@pytest.mark.parametrize("zne", ["none", "exponential", "linear"])
def test_what_counts_as_mitigated_is_not_worse_than_raw_by_more_than_its_stated_error(
    zne: Extrapolation,
) -> None:
    for error, stated, raw, kept in repeats(zne, 1000):
        assert kept == "raw" or error <= raw + stated


def test_with_enough_shots_the_mitigated_energy_counts_and_halves_the_error() -> None:
    found = repeats("exponential", 4000)

    kept = [error if which == "mitigated" else raw for error, _, raw, which in found]
    assert np.mean(kept) < 0.5 * np.mean([raw for _, _, raw, _ in found])


def test_a_symmetry_that_the_problem_does_not_have_is_refused() -> None:
    without = Measurement((plain(ANGLES),), None)

    with pytest.raises(InvalidRequest, match=r"mitigation\.symmetry: got true; allowed: false"):
        Protocol(Mitigation(symmetry=True), without, [], 100)


def test_nothing_to_mitigate_is_refused() -> None:
    with pytest.raises(InvalidRequest, match='mitigation: got "none"'):
        Protocol(Mitigation(), measurement(), [], 100)


def test_counts_that_are_not_one_a_circuit_are_refused() -> None:
    protocol = Protocol(BOTH, measurement(), checks(), 100)

    with pytest.raises(InvalidRequest, match="counts: got 3; allowed: 11, one a circuit"):
        protocol.outcome([{"0000": 1}] * 3)


def check(exact_energy: float, raw: float, mitigated: float, error: float = 0.05) -> Check:
    return Check(
        exact=exact_energy,
        raw=Estimated(energy=raw, standard_error=error),
        mitigated=Estimated(energy=mitigated, standard_error=error),
    )


def test_errors_that_differ_by_chance_alone_keep_raw() -> None:
    # D = 0.01 - 0.0025; var D = (4 (0.01 + 0.0025) 0.0025 + 4 0.05^4) / 2 -> 0.0086 * 1.645 is more
    found = decided([check(-3, -2.9, -2.95), check(-3, -2.9, -2.95)], "hartree")

    assert found.kept == "raw"
    spread = math.sqrt((4 * (0.01 + 0.0025) * 0.0025 + 4 * 0.05**4) / 2)
    within = f"{1.645 * spread / 0.15:.2g}"  # 0.1^2 - 0.05^2 is (0.1 - 0.05) (0.1 + 0.05)
    assert found.because == (
        "on 2 calibration circuits of known energy the error is 0.05 hartree mitigated and "
        "0.1 hartree raw (root mean square), but their difference is within its error, "
        f"{within} hartree (1.645 standard errors)"
    )


def test_an_error_that_mitigation_makes_larger_is_called_that() -> None:
    found = decided([check(-3, -2.9, -2.7), check(-3, -2.9, -2.7)])

    assert found.kept == "raw"
    assert found.because.endswith("0.1 raw (root mean square): mitigation makes it larger")


def test_errors_that_differ_beyond_doubt_keep_mitigated() -> None:
    found = decided([check(-3, -2.8, -2.99), check(-3, -2.8, -3.07)])

    assert found.kept == "mitigated"
    assert found.residual == pytest.approx(0.07)
    assert found.because == (
        "on 2 calibration circuits of known energy the error is 0.05 mitigated and 0.2 raw "
        "(root mean square)"
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_calibration_circuits_have_the_same_gates_at_other_angles(k: int) -> None:
    made = calibration_angles(ANGLES, k)

    assert len({each.tobytes() for each in (ANGLES, *made)}) == k + 1
    for each in made:
        gates = qaoa_circuit(RING, each).instructions
        assert [str(g.operator.name) for g in gates] == [
            str(g.operator.name) for g in qaoa_circuit(RING, ANGLES).instructions
        ]


def test_the_energies_of_calibration_circuits_are_nearly_as_far_from_the_mixed_state() -> None:
    for each in calibration_angles(ANGLES, CHECKS):
        assert abs(exact(each) - RING.offset) > 0.9 * abs(exact(ANGLES) - RING.offset)
