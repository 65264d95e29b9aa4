"""An Ising problem whose spins are fixed one by one: what remains, and what the fixed ones follow.

Setting s_v = sign, or s_v = sign * s_u, leaves an Ising model of one variable less, whose energies
are those of the problem under all that was fixed.
"""

from __future__ import annotations

from hybrid_job.optimising.optimiser import typical_field
from quantum_pipeline.ising import IsingModel, all_energies


class Reduced:
    """An Ising model some of whose spins are fixed, for good or relative to others."""

    def __init__(self, model: IsingModel) -> None:
        self._model = model
        self._fields = dict(enumerate(model.fields))
        self._near: dict[int, dict[int, float]] = {v: {} for v in self._fields}
        for i, j, coupling in model.couplings:
            self._near[i][j] = self._near[j][i] = coupling
        self.offset = model.offset
        self._links: dict[int, tuple[int | None, int]] = {}
        self._zero = 1e-12 * typical_field(model)

    @property
    def variables(self) -> list[int]:
        """Variables that are left."""
        return list(self._fields)

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
        left = self.variables
        lowest = int(all_energies(self.model()).argmin()) if left else 0
        for k, v in enumerate(left):
            self.fix(v, 1 - 2 * (lowest >> (len(left) - 1 - k) & 1))

    def bitstring(self) -> str:
        """Return the bits of all variables, none of which may be left."""
        signs = (self.standing(v)[1] for v in range(self._model.n_variables))
        return "".join("0" if sign > 0 else "1" for sign in signs)
