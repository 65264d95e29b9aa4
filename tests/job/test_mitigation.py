"""Folding, readout and extrapolation, beside closed forms and textbook matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from braket.circuits import Circuit, Observable
from braket.devices import LocalSimulator
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Bits, Compiled, Counts, Setting
from hybrid_job.on_device.mitigating import estimates, readout
from hybrid_job.on_device.mitigating.extrapolation import Mixed, extrapolated
from hybrid_job.on_device.mitigating.folding import effective_scale, folded
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.requests.mitigation import Extrapolation, Noise

MANY = 10**12

GATES: dict[str, Callable[[], Circuit]] = {
    "cz": lambda: Circuit().cz(0, 1),
    "cnot": lambda: Circuit().cnot(0, 1),
    "zz": lambda: Circuit().zz(0, 1, 0.7),
    "xx": lambda: Circuit().xx(0, 1, 0.7),
    "xy": lambda: Circuit().xy(0, 1, 0.7),
    "ms": lambda: Circuit().ms(0, 1, 0.1, 0.2, 0.7),
    "iswap": lambda: Circuit().iswap(0, 1),
    "cphaseshift": lambda: Circuit().cphaseshift(0, 1, 0.7),
    "prx": lambda: Circuit().prx(0, 0.7, 0.3).cz(0, 1),
    "rx": lambda: Circuit().rx(0, 0.7).cz(0, 1),
    "gpi": lambda: Circuit().gpi(0, 0.3).cz(0, 1),
    "gpi2": lambda: Circuit().gpi2(0, 0.3).cz(0, 1),
    "h": lambda: Circuit().h(0).cz(0, 1),
}


def compiled(circuit: Circuit, **more: object) -> Compiled:
    return Compiled(circuit, tuple(int(qubit) for qubit in circuit.qubits), **more)  # type: ignore[arg-type]


def names(circuit: Circuit) -> list[str]:
    return [each.operator.name for each in circuit.instructions]


@pytest.mark.parametrize("scale", [1, 1.5, 3, 4, 9])
@pytest.mark.parametrize("name", GATES)
def test_a_folded_circuit_does_what_the_circuit_does(name: str, scale: float) -> None:
    circuit = Circuit().h(0).ry(1, 0.4).add_circuit(GATES[name]()).rz(0, 0.3).cz(0, 1)

    made = folded(compiled(circuit), scale)

    assert np.allclose(made.circuit.to_unitary(), circuit.to_unitary(), atol=1e-12)


@pytest.mark.parametrize("name", GATES)
def test_folding_stays_within_the_gates_of_the_device(name: str) -> None:
    circuit = GATES[name]()

    made = set(names(folded(compiled(circuit), 5).circuit))

    allowed = set(names(circuit)) | ({"Rz"} if name == "iswap" else set())
    assert made == allowed


@pytest.mark.parametrize("scale", [1, 3, 5, 7])
def test_an_odd_scale_folds_each_gate_alike(scale: int) -> None:
    circuit = Circuit().prx(0, 0.5, 0.1).cz(0, 1).prx(1, 0.5, 0.1).cz(1, 2)

    made = folded(compiled(circuit), scale)

    assert names(made.circuit) == [name for name in names(circuit) for _ in range(scale)]
    assert effective_scale(compiled(circuit), scale) == scale


def test_an_iswap_is_three_at_scale_three_where_its_inverse_in_braket_alone_is_three() -> None:
    made = folded(compiled(Circuit().iswap(0, 1)), 3)

    assert names(made.circuit).count("ISwap") == 3


@pytest.mark.parametrize("scale", [1.3, 2.0, 2.5, 3.7])
def test_other_scales_fold_a_part_that_is_spread_evenly(scale: float) -> None:
    circuit = Circuit()
    for _ in range(20):
        circuit.cz(0, 1).cz(1, 2)

    made = folded(compiled(circuit), scale)
    first = folded(compiled(Circuit().add_circuit(Circuit(circuit.instructions[:20]))), scale)

    gates = len(made.circuit.instructions)
    assert effective_scale(compiled(circuit), scale) == pytest.approx(gates / 40)
    assert gates / 40 == pytest.approx(scale, abs=1 / 40 + 1e-12)
    assert abs(len(first.circuit.instructions) - gates / 2) <= 2


def test_turns_about_z_have_no_noise_to_stretch_except_on_a_simulator() -> None:
    circuit = Circuit().rz(0, 0.3).cz(0, 1)

    on_a_device = folded(compiled(circuit), 3)
    simulated = folded(compiled(circuit, noise=Noise(two_qubit=0.1)), 3)

    assert names(on_a_device.circuit) == ["Rz", "CZ", "CZ", "CZ"]
    assert names(simulated.circuit) == ["Rz", "Rz", "Rz", "CZ", "CZ", "CZ"]


def test_a_folded_circuit_is_still_verbatim_on_the_same_qubits() -> None:
    plain = Compiled(Circuit().cz(3, 5), (5, 3), verbatim=True)

    made = folded(plain, 3)

    assert (made.verbatim, made.qubits) == (True, (5, 3))
    assert "StartVerbatimBox" in names(made.program())


def test_a_circuit_without_gates_on_two_qubits_is_stretched_by_its_others() -> None:
    assert effective_scale(compiled(Circuit().rx(0, 1.0)), 3) == 3
    assert effective_scale(compiled(Circuit().rz(0, 1.0)), 3) == 1


@pytest.mark.parametrize("scale", [1, 3, 5])
def test_folding_multiplies_the_noise_of_depolarised_gates(scale: int) -> None:
    probability, noisy = 0.02, Circuit().h(0).cnot(0, 1).cnot(1, 2)
    ghz = compiled(noisy, noise=Noise(two_qubit=probability))

    circuit = Circuit(folded(ghz, scale).program().instructions[:-3])
    circuit.expectation(Observable.Z() @ Observable.Z(), target=[0, 1])
    found = LocalSimulator("braket_dm").run(circuit, shots=0).result().values[0]

    # Two-qubit depolarising takes a Pauli string on its qubits to 1 - 16 p / 15 of itself. Z0 Z1,
    # taken back through CNOT(1, 2), is itself or Z1 alone but for its own gates.
    each = 1 - 16 * probability / 15
    assert found == pytest.approx(each ** (2 * scale), abs=1e-9)


@pytest.mark.parametrize(
    "native", [["prx", "cz"], ["rx", "rz", "cz"], ["gpi", "gpi2", "ms"], ["x"]]
)
def test_readout_circuits_in_native_gates_bring_all_qubits_into_0_and_into_1(
    native: list[str],
) -> None:
    plain = Compiled(Circuit().cz(3, 5).cz(5, 4), (5, 3, 4), verbatim=True)

    prepare = readout.in_native_gates(native)
    zeros, ones = readout.readout_circuits(plain, prepare)

    for made, bits in ((zeros, "000"), (ones, "111")):
        assert {name.lower() for name in names(made.circuit)} <= set(native)
        assert made.qubits == plain.qubits
        circuit = Circuit(made.circuit.instructions)
        task = LocalSimulator().run(circuit, shots=20)
        assert dict(task.result().measurement_counts) == {bits: 20}


def test_readout_circuits_of_a_device_that_compiles_are_in_plain_gates() -> None:
    zeros, ones = readout.readout_circuits(Compiled(Circuit().cz(0, 1), (1, 0)))

    assert (names(zeros.circuit), names(ones.circuit)) == (["I", "I"], ["X", "X"])


def test_native_gates_that_turn_no_qubit_over_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"mitigation\.readout: got true; allowed: false"):
        readout.in_native_gates(["rz", "cz"])


def test_misreading_is_the_part_of_the_shots_that_are_wrong() -> None:
    zeros = {"000": 90, "100": 6, "101": 4}
    ones = {"111": 80, "011": 15, "110": 5}

    found = readout.misreading(zeros, ones)

    assert found.wrong == pytest.approx(np.array([[0.1, 0.15], [0, 0], [0.04, 0.05]]))
    # (11 / 102)(91 / 102) / 100, and of a zero that was never misread (1 / 102)(101 / 102) / 100
    assert found.variances[0, 0] == pytest.approx(11 * 91 / 102**2 / 100)
    assert found.variances[1, 0] == pytest.approx(101 / 102**2 / 100)


WRONG = np.array([[0.02, 0.07], [0.01, 0.03], [0.05, 0.08], [0.0, 0.04]])
MODEL = IsingModel.from_spins([0.3, 0, -0.5, 0.2], [(0, 1, 1.0), (1, 2, -0.7), (0, 3, 0.4)], -1.5)


def misread_matrix() -> NDArray[np.float64]:
    matrix = np.ones((1, 1))
    for e0, e1 in WRONG:
        matrix = np.kron(matrix, np.array([[1 - e0, e1], [e0, 1 - e1]]))
    return matrix


def some_distribution(n: int = 4) -> NDArray[np.float64]:
    return np.random.default_rng(4).dirichlet(np.ones(1 << n))


def counts_of(distribution: NDArray[np.float64], shots: int = MANY) -> Counts:
    n = int(np.log2(len(distribution)))
    return {f"{k:0{n}b}": round(shots * p) for k, p in enumerate(distribution) if shots * p >= 0.5}


def known() -> readout.Misreading:
    return readout.Misreading(WRONG, np.zeros((4, 2)))


def setting(**more: object) -> Setting:
    return Setting(Compiled(Circuit().i(range(4)), (0, 1, 2, 3)), MODEL, **more)  # type: ignore[arg-type]


def gray(bits: Bits) -> Bits:
    """Bit k against bit k - 1: a decoding that is no permutation of the qubits."""
    return np.concatenate([bits[:, :1], bits[:, 1:] ^ bits[:, :-1]], axis=1)


def has_few_ones(bits: Bits) -> NDArray[np.bool_]:
    few: NDArray[np.bool_] = bits.sum(axis=1) <= 2
    return few


def decoded_energies() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    bits = estimates._all_bits(4)
    places = gray(bits) @ np.array([8, 4, 2, 1])
    return all_energies(MODEL)[places], has_few_ones(bits)


def test_products_of_two_spins_are_corrected_without_the_whole_distribution() -> None:
    true = some_distribution()

    found = estimates.estimated(setting(), counts_of(misread_matrix() @ true), known())

    assert found is not None
    assert found.energy == pytest.approx(all_energies(MODEL) @ true, abs=1e-9)


def test_decoded_and_checked_shots_are_corrected_by_the_whole_distribution() -> None:
    true = some_distribution()
    values, counted = decoded_energies()

    found = estimates.estimated(
        setting(decode=gray, accepted=has_few_ones), counts_of(misread_matrix() @ true), known()
    )

    assert found is not None
    assert found.energy == pytest.approx((true * counted) @ values / (true @ counted), abs=1e-9)
    assert found.accepted == pytest.approx(float((misread_matrix() @ true) @ counted), abs=1e-9)


def test_both_corrections_agree_where_both_can_be_made() -> None:
    counts = counts_of(misread_matrix() @ some_distribution(), 1000)

    by_spins = estimates.estimated(setting(), counts, known())
    whole = estimates.estimated(setting(decode=lambda bits: bits), counts, known())

    assert by_spins is not None
    assert whole is not None
    assert whole.energy == pytest.approx(by_spins.energy, abs=1e-12)
    assert whole.variance == pytest.approx(by_spins.variance, rel=1e-9)
    assert whole.slopes == pytest.approx(by_spins.slopes, abs=1e-9)


@pytest.mark.parametrize(
    "more", [{}, {"decode": gray, "accepted": has_few_ones}], ids=["spins", "whole"]
)
def test_slopes_are_the_derivatives_by_the_probabilities_of_misreading(
    more: dict[str, object],
) -> None:
    counts, step = counts_of(misread_matrix() @ some_distribution(), 1000), 1e-6

    def energy(wrong: NDArray[np.float64]) -> float:
        found = estimates.estimated(
            setting(**more), counts, readout.Misreading(wrong, np.zeros((4, 2)))
        )
        assert found is not None
        return found.energy

    found = estimates.estimated(setting(**more), counts, known())

    assert found is not None
    for place in np.ndindex(4, 2):
        change = np.zeros((4, 2))
        change[place] = step
        difference = (energy(WRONG + change) - energy(WRONG - change)) / (2 * step)
        assert found.slopes[place] == pytest.approx(difference, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize(
    "more", [{}, {"decode": gray, "accepted": has_few_ones}], ids=["spins", "whole"]
)
def test_the_variance_is_that_of_repeated_measurements(
    more: dict[str, object], *, corrected: bool
) -> None:
    rng, shots = np.random.default_rng(2), 400
    read = misread_matrix() @ some_distribution()
    repeats = [counts_of(rng.multinomial(shots, read) / shots, shots) for _ in range(1500)]
    misread, measured = known() if corrected else None, setting(**more)

    found = [estimates.estimated(measured, counts, misread) for counts in repeats]

    spread = np.var([each.energy for each in found if each], ddof=1)
    stated = np.mean([each.variance for each in found if each])
    assert stated == pytest.approx(spread, rel=0.12)


def test_more_qubits_than_the_whole_distribution_allows_are_refused() -> None:
    wide = Compiled(Circuit().i(range(17)), tuple(range(17)))
    model = IsingModel.from_spins([0.0] * 17, [(0, 1, 1.0)])

    estimates.refuse_too_wide(Setting(wide, model))

    with pytest.raises(InvalidRequest, match="on more than 16 qubits, these are 17"):
        estimates.refuse_too_wide(Setting(wide, model, accepted=has_few_ones))


def test_thirty_qubits_are_corrected_shot_by_shot() -> None:
    n = 30
    model = IsingModel.from_spins([0.0] * n, [(i, i + 1, 1.0) for i in range(n - 1)])
    wide = Setting(Compiled(Circuit().i(range(n)), tuple(range(n))), model)
    misread = readout.Misreading(np.full((n, 2), 0.1), np.zeros((n, 2)))
    rng = np.random.default_rng(3)
    flips = rng.random((20000, n)) < 0.1
    counts: Counts = {}
    for row in flips.astype(int):  # all qubits are 0, so that each product is +1
        bits = "".join(map(str, row))
        counts[bits] = counts.get(bits, 0) + 1

    raw = estimates.estimated(wide, counts, None)
    found = estimates.estimated(wide, counts, misread)

    assert raw is not None
    assert found is not None
    assert raw.energy == pytest.approx(0.64 * (n - 1), abs=0.2)
    assert abs(found.energy - (n - 1)) < 3 * math.sqrt(found.variance)


def test_shots_that_break_the_symmetry_are_left_out() -> None:
    counts = {"0000": 30, "0001": 20, "0111": 40, "1111": 10}
    values = all_energies(MODEL)

    found = estimates.estimated(setting(accepted=has_few_ones), counts, None)

    assert found is not None
    assert found.energy == pytest.approx((30 * values[0] + 20 * values[1]) / 50)
    assert found.accepted == 0.5


@pytest.mark.parametrize("misread", [None, known()], ids=["as read", "corrected"])
def test_too_few_shots_that_obey_the_symmetry_tell_no_energy(
    misread: readout.Misreading | None,
) -> None:
    counts = {"1111": 995, "0000": 5}

    assert estimates.estimated(setting(accepted=has_few_ones), counts, misread) is None


def test_the_mixed_state_has_the_mean_energy_of_the_outcomes_that_count() -> None:
    values, counted = decoded_energies()

    assert estimates.mixed_state(setting()) == Mixed(MODEL.offset)
    decoded = estimates.mixed_state(setting(decode=gray))
    assert decoded.energy == pytest.approx(MODEL.offset)
    assert decoded.accepted == 1
    both = estimates.mixed_state(setting(decode=gray, accepted=has_few_ones))
    assert both.energy == pytest.approx(values[counted].mean())
    assert both.accepted == (1 + 4 + 6) / 16


def test_the_mixed_state_of_many_qubits_is_drawn() -> None:
    wide = Compiled(Circuit().i(range(20)), tuple(range(20)))
    model = IsingModel.from_spins([0.0] * 20, [(0, 1, 1.0)], -3.0)

    found = estimates.mixed_state(Setting(wide, model, accepted=lambda bits: bits[:, 0] == 0))

    assert found.energy == -3
    assert found.accepted == pytest.approx(0.5, abs=0.03)


SCALES = np.array([1.0, 3.0, 5.0, 7.0])
EVEN = np.full(4, 0.01)


@pytest.mark.parametrize("decay", [-0.05, 0.01, 0.2, 0.6])
@pytest.mark.parametrize("amplitude", [-3.0, 2.0])
@pytest.mark.parametrize("points", [2, 3, 4])
def test_an_exponential_decay_is_extrapolated_to_where_it_began(
    points: int, amplitude: float, decay: float
) -> None:
    scales = SCALES[:points]
    energies = -4 + amplitude * np.exp(-decay * scales)

    found = extrapolated("exponential", scales, energies, EVEN[:points] ** 2, Mixed(-4))

    assert found.energy == pytest.approx(-4 + amplitude, abs=1e-6)
    assert (found.form, found.fallback) == ("exponential", None)


@pytest.mark.parametrize("accepted", [0.5, 0.3])
def test_where_mixed_shots_are_left_out_the_decay_is_that_of_the_rest(accepted: float) -> None:
    left = np.exp(-0.3 * SCALES)
    energies = -4 - 3 * left / (left + accepted * (1 - left))

    found = extrapolated("exponential", SCALES, energies, EVEN, Mixed(-4, accepted))

    assert found.energy == pytest.approx(-7, abs=1e-6)


@pytest.mark.parametrize("points", [2, 3, 4])
def test_richardson_recovers_the_polynomial_through_all_points(points: int) -> None:
    scales = np.array([1.0, 1.7, 2.6, 4.2])[:points]
    polynomial = np.polynomial.Polynomial([-3.0, 0.8, -0.2, 0.05][:points])

    found = extrapolated("richardson", scales, polynomial(scales), EVEN[:points], Mixed(0))

    assert found.form == "richardson"
    assert found.energy == pytest.approx(-3.0)


def test_a_line_is_the_weighted_least_squares_of_all_points() -> None:
    energies, variances = np.array([-2.9, -2.2, -1.9, -0.7]), np.array([1.0, 4.0, 0.25, 2.0])

    found = extrapolated("linear", SCALES, energies, variances, Mixed(0))

    _, start = np.polyfit(SCALES, energies, 1, w=1 / np.sqrt(variances))
    assert found.energy == pytest.approx(start)


@pytest.mark.parametrize("accepted", [1.0, 0.5])
@pytest.mark.parametrize("method", ["linear", "richardson", "exponential"])
def test_weights_are_the_derivatives_by_the_energies(
    method: Extrapolation, accepted: float
) -> None:
    scales, mixed = SCALES[:3], Mixed(-4, accepted)
    left = np.exp(-0.2 * scales)
    energies = -4 - 3 * left / (left + accepted * (1 - left))

    def energy(at: NDArray[np.float64]) -> float:
        return extrapolated(method, scales, at, EVEN[:3], mixed).energy

    found = extrapolated(method, scales, energies, EVEN[:3], mixed)

    for k in range(3):
        change = np.zeros(3)
        change[k] = 1e-4
        difference = (energy(energies + change) - energy(energies - change)) / 2e-4
        assert found.weights[k] == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize(
    ("energies", "why"),
    [
        ([0.01, 0.02, 0.0, 0.01], "the energy is indistinguishable from that of the mixed state"),
        ([-3.0, 2.0, -1.0, 1.0], "the energy does not decay with the noise"),
    ],
    ids=["nothing is left", "signs alternate"],
)
def test_an_exponential_with_nothing_to_go_by_becomes_a_line_and_says_so(
    energies: list[float], why: str
) -> None:
    found = extrapolated("exponential", SCALES, np.array(energies), EVEN, Mixed(0))

    line = extrapolated("linear", SCALES, np.array(energies), EVEN, Mixed(0))
    assert found.energy == line.energy
    assert (found.form, found.fallback) == ("linear", f"linear in place of exponential: {why}")


@pytest.mark.parametrize("accepted", [1.0, 0.25])
def test_a_decay_that_the_shots_do_not_show_leaves_an_error_that_covers_and_is_bounded(
    accepted: float,
) -> None:
    # Energies alike at both scales but for chance: noise may seem to make them better.
    scales, spread, rng = np.array([1.0, 3.0]), np.array([0.02, 0.02]), np.random.default_rng(3)

    found = [
        extrapolated(
            "exponential",
            scales,
            -1.1 + spread * rng.normal(size=2),
            spread**2,
            Mixed(-0.9, accepted),
        )
        for _ in range(400)
    ]

    errors = np.array([np.linalg.norm(each.weights * spread) for each in found])
    off = np.abs([each.energy + 1.1 for each in found])
    assert errors.max() < 6 * spread[0]
    assert np.mean(off <= 2 * errors) >= 0.94
    reasons = [each.fallback for each in found]
    why = "linear in place of exponential: the decay is within two standard errors of none"
    assert reasons.count(why) > 0.9 * len(found)


def test_an_exponential_of_a_larger_error_than_noise_has_left_becomes_a_line_and_says_so() -> None:
    # Nothing is left at scale 3: any decay fits, and E0 could be anything.
    energies, variances = np.array([-1.0, -0.1]), np.array([0.01, 0.01])

    found = extrapolated("exponential", np.array([1.0, 3.0]), energies, variances, Mixed(0))

    why = "linear in place of exponential: its error is larger than what noise has left"
    assert found.energy == pytest.approx(-1.45)
    assert found.fallback == why


def test_one_noise_scale_leaves_the_energy_as_it_is_and_says_so() -> None:
    found = extrapolated("linear", np.ones(2), np.array([-2.0, -2.5]), np.ones(2), Mixed(0))

    assert found.energy == -2.0
    assert found.fallback == "no linear extrapolation: there is one noise scale"
    assert found.form is None


def test_richardson_with_two_scales_that_coincide_becomes_a_line() -> None:
    scales, energies = np.array([1.0, 3.0, 3.0]), np.array([-3.0, -2.0, -1.0])

    found = extrapolated("richardson", scales, energies, np.ones(3), Mixed(0))

    assert found.energy == pytest.approx(-3.75)
    assert found.fallback is not None
    assert "linear in place of richardson" in found.fallback
    assert found.form == "linear"


def test_shots_that_all_agree_do_not_break_the_least_squares() -> None:
    found = extrapolated("linear", SCALES, -4 + SCALES, np.array([0.0, 0.01, 0.01, 0.01]), Mixed(0))
    none = extrapolated("exponential", SCALES, np.full(4, -3.0), np.zeros(4), Mixed(0))

    assert found.energy == pytest.approx(-4)
    assert none.energy == pytest.approx(-3)


def test_without_extrapolation_the_least_noise_counts() -> None:
    scales, energies = np.array([3.0, 1.0]), np.array([-1.0, -2.0])

    found = extrapolated("none", scales, energies, np.ones(2), Mixed(0))

    assert (found.energy, found.weights.tolist(), found.fallback) == (-2.0, [0.0, 1.0], None)
    assert found.form is None


def test_some_bits_of_a_misreading_keep_their_own_figures() -> None:
    chosen = replace(known()).of([2, 0])

    assert chosen.wrong.tolist() == [WRONG[2].tolist(), WRONG[0].tolist()]
