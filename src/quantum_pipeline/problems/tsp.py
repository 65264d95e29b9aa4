"""The travelling salesman: the shortest tour through all cities, back to the first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from math import hypot
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from quantum_pipeline.problems.base import Label, Number, check_labels, check_square
from quantum_pipeline.problems.decoded import Tour, Violation, listed, plain
from quantum_pipeline.problems.formed import FormProblem, broken, one_of, rows, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Polynomial, Space
from quantum_pipeline.wording import digits, refusal

Place = Annotated[
    tuple[Number, Number],
    Field(json_schema_extra={"allowed": "[x, y]: two numbers"}),
]


class Tsp(FormProblem):
    """Visit every city once and return, by the shortest way; the first city is where it starts.

    length = sum_t d(stop t, stop t + 1). Bit (t - 1)(n - 1) + c - 1 says that city c, from 1, is
    the stop t: each stop is one of n - 1 cities, and each city is once a stop.
    """

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["distances"]}, {"required": ["coordinates"]}]}
    )

    type: Literal["tsp"] = "tsp"
    distances: Entries[Entries[Number]] | None = Field(
        None,
        description="distances[i][j] is the way from city i to city j, which may differ from the "
        "way back; 0 from a city to itself; if not given, straight lines between the coordinates",
    )
    coordinates: Entries[Place] | None = Field(
        None, description="where each city is; the tour is drawn there"
    )
    cities: Entries[Label] | None = Field(
        None, description="names of the cities; their numbers, from 0, if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.distances is None and self.coordinates is None:
            raise ValueError("distances: missing; allowed: distances, coordinates, or both")
        name = "distances" if self.distances is not None else "coordinates"
        if self.n_cities < 3:
            raise ValueError(f"{name}: got {self.n_cities} cities; allowed: 3 or more")
        if self.distances is not None:
            check_square("distances", self.distances, self.n_cities)
        for i, row in enumerate(self.distances or ()):
            if row[i]:
                raise ValueError(refusal(f"distances.{i}.{i}", row[i], "0, the way to itself"))
        for field in ("coordinates", "cities"):
            there = getattr(self, field)
            if there is not None and len(there) != self.n_cities:
                allowed = f"{self.n_cities}, one for each city"
                raise ValueError(f"{field}: got a length of {len(there)}; allowed: {allowed}")
        check_labels("cities", self.cities or ())
        return self

    @property
    def n_cities(self) -> int:
        """Number of cities."""
        return len(self.distances if self.distances is not None else self.coordinates or ())

    @property
    def names(self) -> Sequence[Label]:
        """The cities' names."""
        return self.cities or range(self.n_cities)

    @property
    def n_qubits(self) -> int:
        """Number of bits: of each stop, which city it is."""
        return (self.n_cities - 1) ** 2

    @property
    def n_terms(self) -> int:
        """Number of legs between two stops, and of cities at stops."""
        m = self.n_cities - 1
        return (m - 1) * m**2 + 3 * m**2

    @property
    def labels(self) -> Sequence[Label]:
        """Which city, at which stop; the first stop is 1."""
        others, m = self.names[1:], self.n_cities - 1
        return [f"{city} at stop {t + 2}" for t in range(m) for city in others]

    @cached_property
    def space(self) -> Space:
        """Each stop but the first is one of the other cities."""
        return one_of(self.n_cities - 1, self.n_cities - 1)

    @cached_property
    def _ways(self) -> Sequence[Sequence[float]]:
        if self.distances is not None:
            return self.distances
        places = self.coordinates or ()
        return [[hypot(x - u, y - v) for u, v in places] for x, y in places]

    def minimised(self) -> Polynomial:
        """Return the length of the tour."""
        d, m = self._ways, self.n_cities - 1
        legs: list[tuple[tuple[int, ...], float]] = []
        for c in range(m):
            legs += [((c,), d[0][c + 1]), (((m - 1) * m + c,), d[c + 1][0])]
        for t in range(m - 1):
            for a in range(m):
                for b in range(m):
                    legs.append(((t * m + a, (t + 1) * m + b), d[a + 1][b + 1]))
        return Polynomial.of(legs)

    def constraints(self) -> tuple[Constraint, ...]:
        """Return that each city is a stop once."""
        m = self.n_cities - 1
        return tuple(
            Constraint(str(city), tuple((t * m + c, 1.0) for t in range(m)), "==", 1.0)
            for c, city in enumerate(self.names[1:])
        )

    def _stops(self, bits: Sequence[int]) -> list[int]:
        return [0, *(1 + c for (c,) in rows(bits, self.n_cities - 1))]

    def objective(self, bits: Sequence[int]) -> float:
        """Return the length of the tour."""
        stops = self._stops(bits)
        return total(self._ways[a][b] for a, b in pairwise([*stops, 0]))

    def decoded(self, bits: Sequence[int]) -> Tour:
        """Return the tour."""
        stops = self._stops(bits)
        names = tuple(self.names[city] for city in stops)
        length = self.objective(bits)
        return Tour(
            words=f"{' → '.join(map(plain, (*names, names[0])))}, length {digits(length)}",
            figures={"length": length},
            stops=names,
            legs=tuple(self._ways[a][b] for a, b in pairwise([*stops, 0])),
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the cities that are no stop, or more than one, and stops of no or many cities."""
        found: tuple[Violation, ...] = ()
        at_stop = rows(bits, self.n_cities - 1)
        for t, cities in enumerate(at_stop, start=2):
            found += broken(f"stop {t} is one city", abs(len(cities) - 1))
        for city in range(1, self.n_cities):
            visits = sum(city - 1 in cities for cities in at_stop)
            found += broken(f"{listed([self.names[city]])} is visited once", abs(visits - 1))
        return found
