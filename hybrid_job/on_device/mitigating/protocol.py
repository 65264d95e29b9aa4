"""The circuits of a mitigated energy in their order, and what follows from their counts.

Each measurement, the circuit that counts first and then those of known energy, is run as it is and
at the noise scales of the extrapolation; where a symmetry is checked by circuits of its own, these
are stretched in place of the plain ones. The readout circuits come last. The raw energy is that of
the plain circuits as they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from math import sqrt
from typing import Literal

import numpy as np

from hybrid_job.on_device.measurement import Compiled, Counts, Measurement, Setting
from hybrid_job.on_device.mitigating.deciding import Decision, decided
from hybrid_job.on_device.mitigating.estimates import refuse_too_wide
from hybrid_job.on_device.mitigating.folding import effective_scale, folded
from hybrid_job.on_device.mitigating.measured import (
    Measured,
    Rules,
    mitigated_energy,
    raw_energy,
)
from hybrid_job.on_device.mitigating.readout import (
    Misreading,
    Real,
    misreading,
    readout_circuits,
)
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.mitigation import Mitigation
from quantum_pipeline.results.device_run import Check, Estimated, MitigationOutcome

MakeReadout = Callable[[Compiled], tuple[Compiled, Compiled]]
Method = Literal["readout", "symmetry", "zne"]


class Protocol:
    """A mitigated energy: its circuits, and what their counts make of it.

    Args:
        mitigation: what is done; something must be.
        measurement: the circuits of the energy.
        checks: the same for circuits whose ``exact`` energy is known, on the same qubits.
        shots: of each circuit.
        readout: makes the readout circuits; on verbatim devices of their own gates.
        lowest: lowest energy that there is, where it is known.
        unit: of the energies, for the reasons in words.

    Raises:
        InvalidRequest: the symmetry is to be checked and there is none, or the readout is to be
            corrected on more qubits than it can be.
    """

    def __init__(
        self,
        mitigation: Mitigation,
        measurement: Measurement,
        checks: Sequence[Measurement],
        shots: int,
        *,
        readout: MakeReadout = readout_circuits,
        lowest: float | None = None,
        unit: str = "",
    ) -> None:
        if mitigation.is_none:
            raise InvalidRequest.of("mitigation", "none", "readout, zne or symmetry to be run")
        if mitigation.symmetry and measurement.verified is None:
            allowed = "false: this problem has no symmetry that its shots could be checked for"
            raise InvalidRequest.of("mitigation.symmetry", True, allowed)
        self._mitigation, self._shots = mitigation, shots
        self._lowest, self._unit = lowest, unit
        self._measurements = (measurement, *checks)
        self._circuits: list[Compiled] = []
        self._places = [self._placed(each) for each in self._measurements]
        self._qubits = tuple(
            dict.fromkeys(qubit for each in self._circuits for qubit in each.qubits)
        )
        if mitigation.readout:
            for setting in self._settings(measurement):
                refuse_too_wide(setting)
            everywhere = replace(measurement.plain[0].compiled, qubits=self._qubits)
            self._circuits += readout(everywhere)

    @property
    def circuits(self) -> tuple[Compiled, ...]:
        """All circuits to run, each with the same shots; counts are expected in their order."""
        return tuple(self._circuits)

    def outcome(self, counts: Sequence[Counts]) -> tuple[list[Counts], MitigationOutcome]:
        """Return the counts of the plain settings, and the raw and the mitigated energy.

        The standard error of the mitigated energy has in it what mitigation leaves of the errors
        of the known circuits. An energy below the lowest that there is counts as that one, and
        ``kept_because`` says so. Where too few shots obey the symmetry the mitigated energy is the
        raw one.
        """
        if len(counts) != len(self._circuits):
            raise InvalidRequest.of("counts", len(counts), f"{len(self._circuits)}, one a circuit")
        rules, notes = self._rules(counts)
        raw = [self._raw(number, counts) for number in range(len(self._measurements))]
        found = [self._found(number, counts, rules) for number in range(len(self._measurements))]
        checks = tuple(
            Check(exact=measurement.exact, raw=unmitigated, mitigated=each.mitigated)
            for measurement, unmitigated, each in list(
                zip(self._measurements, raw, found, strict=True)
            )[1:]
            if measurement.exact is not None and each is not None
        )
        decision, own = decided(checks, self._unit), found[0]
        if own is None:
            own = Measured(raw[0], ())
            decision = Decision("raw", "too few shots obey the symmetry at some noise scale", 0.0)
        plain = [counts[place] for place in self._places[0][0]]
        error = sqrt(own.mitigated.standard_error**2 + decision.residual**2)
        return plain, MitigationOutcome(
            methods=self._methods(),
            extrapolation=self._mitigation.zne,
            extrapolation_used=own.forms,
            raw=raw[0],
            mitigated=own.mitigated.model_copy(update={"standard_error": error}),
            scaled=own.scaled,
            checks=checks,
            kept=decision.kept,
            kept_because="; ".join((decision.because, *notes, *own.notes)),
            extra_shots=self._shots * (len(self._circuits) - len(plain)),
        )

    def _methods(self) -> tuple[Method, ...]:
        asked: list[tuple[Method, bool]] = [
            ("readout", self._mitigation.readout),
            ("symmetry", self._mitigation.symmetry),
            ("zne", self._mitigation.zne != "none"),
        ]
        return tuple(method for method, is_asked in asked if is_asked)

    def _settings(self, measurement: Measurement) -> tuple[Setting, ...]:
        """Return the settings that are mitigated."""
        verified = measurement.verified if self._mitigation.symmetry else None
        return measurement.plain if verified is None else verified

    def _placed(self, measurement: Measurement) -> tuple[list[int], list[list[int]]]:
        """Add a measurement's circuits; return the places of the plain ones and of each scale's."""
        own = [each.compiled for each in measurement.plain]
        plain = self._add(own)
        compiled = [each.compiled for each in self._settings(measurement)]
        first = plain if compiled == own else self._add(compiled)
        stretched = self._mitigation.used_scales[1:]
        more = [self._add([folded(each, scale) for each in compiled]) for scale in stretched]
        return plain, [first, *more]

    def _add(self, circuits: Sequence[Compiled]) -> list[int]:
        self._circuits += circuits
        return list(range(len(self._circuits) - len(circuits), len(self._circuits)))

    def _rules(self, counts: Sequence[Counts]) -> tuple[Rules, tuple[str, ...]]:
        misread: Misreading | None = None
        notes: tuple[str, ...] = ()
        if self._mitigation.readout:
            misread = misreading(counts[-2], counts[-1])
            if not misread.can_be_corrected:
                worst = self._qubits[int(np.argmin(misread.contrast))]
                notes = (f"no readout correction: qubit {worst} is read almost at random",)
                misread = None
        rules = Rules(
            zne=self._mitigation.zne,
            qubits=self._qubits,
            misread=misread,
            lowest=self._lowest,
        )
        return rules, notes

    def _raw(self, number: int, counts: Sequence[Counts]) -> Estimated:
        plain, _ = self._places[number]
        return raw_energy(self._measurements[number].plain, [counts[place] for place in plain])

    def _found(self, number: int, counts: Sequence[Counts], rules: Rules) -> Measured | None:
        _, places = self._places[number]
        seen = [[counts[place] for place in at] for at in places]
        settings = self._settings(self._measurements[number])
        return mitigated_energy(settings, self._scales[number], seen, rules)

    @cached_property
    def _scales(self) -> list[Real]:
        """Noise of each measurement's circuits, shape (settings, scales)."""
        scales = self._mitigation.used_scales
        return [
            np.array([[effective_scale(s.compiled, k) for k in scales] for s in self._settings(m)])
            for m in self._measurements
        ]
