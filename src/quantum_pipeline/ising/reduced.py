"""An Ising problem whose spins are fixed one by one: what remains, and what the fixed ones follow.

Setting s_v = sign, or s_v = sign * s_u, leaves an Ising model of one variable less, whose energies
are those of the problem under all that was fixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from quantum_pipeline.ising import EPSILON, Coupling, IsingModel, all_energies
from quantum_pipeline.ising.exact import ExactEnergies

ENUMERATED = 12
"""Variables that rounding leaves to the end, to be enumerated."""


class Reduced:
    """An Ising model some of whose spins are fixed, for good or relative to others.

    Args:
        fields: of each variable, by its name.
        couplings: of two variables, by their names.
        offset: constant of the energies.
        zero: what is left of fields or couplings that cancel is 0 up to this.
    """

    def __init__(
        self,
        fields: dict[int, float],
        couplings: Iterable[Coupling],
        offset: float = 0.0,
        zero: float = 0.0,
    ) -> None:
        self._fields, self.offset, self._zero = dict(fields), offset, zero
        self._near: dict[int, dict[int, float]] = {v: {} for v in fields}
        for i, j, coupling in couplings:
            self._near[i][j] = self._near[j][i] = coupling
        self._links: dict[int, tuple[int | None, int]] = {}

    @classmethod
    def of(cls, model: IsingModel) -> Self:
        """Return the model with nothing fixed; couplings that cancel but for rounding are 0.

        A coupling comes to be a sum of up to n of them, each of which is rounded.
        """
        values = [*model.fields, *(coupling for _, _, coupling in model.couplings)]
        zero = 2 * EPSILON * model.n_variables * max(map(abs, values))
        return cls(dict(enumerate(model.fields)), model.couplings, model.offset, zero)

    @property
    def variables(self) -> list[int]:
        """Variables that are left."""
        return list(self._fields)

    def near(self, v: int) -> Mapping[int, float]:
        """Return the couplings of a variable that is left, by its neighbours."""
        return self._near[v]

    def model(self) -> IsingModel:
        """Return the problem that is left, without its offset: variable k is variables[k]."""
        at = {v: k for k, v in enumerate(self._fields)}
        couplings = (
            (at[i], at[j], coupling)
            for i, near in self._near.items()
            for j, coupling in near.items()
            if i < j
        )
        return IsingModel.from_spins(list(self._fields.values()), couplings)

    def free(self) -> list[int]:
        """Return the variables on which no energy depends any more."""
        return [v for v, near in self._near.items() if not near and not self._fields[v]]

    def standing(self, v: int) -> tuple[int | None, int]:
        """Return the variable left that v follows, None where it is fixed, and its sign."""
        sign = 1
        while v in self._links:
            following, relative = self._links[v]
            sign *= relative
            if following is None:
                return None, sign
            v = following
        return v, sign

    def fix(self, v: int, sign: int, partner: int | None = None) -> None:
        """Set s_v = sign, or s_v = sign * s_partner; both must be left."""
        strength, near = self._fields.pop(v), self._near.pop(v)
        self._links[v] = partner, sign
        if partner is None:
            self.offset += sign * strength
        else:
            self._fields[partner] = self._cleaned(self._fields[partner] + sign * strength)
        for u, coupling in near.items():
            del self._near[u][v]
            if partner is None:
                self._fields[u] = self._cleaned(self._fields[u] + sign * coupling)
            elif u == partner:
                self.offset += sign * coupling
            else:
                self._couple(u, partner, sign * coupling)

    def _couple(self, u: int, v: int, coupling: float) -> None:
        total = self._cleaned(self._near[u].get(v, 0.0) + coupling)
        if total:
            self._near[u][v] = self._near[v][u] = total
        else:
            self._near[u].pop(v, None)
            self._near[v].pop(u, None)

    def _cleaned(self, value: float) -> float:
        """Return 0 for what is left of couplings that cancel but for rounding."""
        return value if abs(value) > self._zero else 0.0

    def enumerate_rest(self) -> None:
        """Fix what is left at its lowest energy."""
        left, lowest = self.variables, 0
        if left:
            model = self.model()
            exact = ExactEnergies.of(model)
            lowest = exact.lowest(all_energies(model), exact.rounding(model)).place
        for k, v in enumerate(left):
            self.fix(v, 1 - 2 * (lowest >> (len(left) - 1 - k) & 1))

    def spins(self, left: Mapping[int, int]) -> dict[int, int]:
        """Return the spins of all variables, from those of the variables left. Cost: O(n)."""
        spins = dict(left)
        # Whom a variable follows was still there: it is left, or was fixed later.
        for v, (partner, sign) in reversed(self._links.items()):
            spins[v] = sign if partner is None else sign * spins[partner]
        return spins

    def bitstring(self) -> str:
        """Return the bits of variables 0 to n - 1, none of which may be left."""
        return "".join("0" if spin > 0 else "1" for _, spin in sorted(self.spins({}).items()))
