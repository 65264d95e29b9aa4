"""Chemistry: the lowest energy of a molecule, at one geometry or along a bond."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from math import dist
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, model_validator

from quantum_pipeline.chemistry.active_space import ActiveSpace, active_space, space_within
from quantum_pipeline.chemistry.basis import n_orbitals
from quantum_pipeline.chemistry.integrals import OrbitalIntegrals
from quantum_pipeline.chemistry.molecules import (
    CLOSEST,
    NAMED,
    Geometry,
    check_geometry,
    geometry_of,
    n_electrons,
    nuclear_repulsion,
)
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.problems.base import Problem
from quantum_pipeline.quantities import Entries, Finite
from quantum_pipeline.wording import refusal

Length = Annotated[float, Field(strict=True, ge=CLOSEST, le=100, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(strict=True, ge=-1000, le=1000, allow_inf_nan=False)]
Position = Annotated[
    tuple[Coordinate, Coordinate, Coordinate],
    Field(json_schema_extra={"allowed": "[x, y, z] in angstrom, each from -1000 to 1000"}),
]
Nucleus = Annotated[
    tuple[StrictStr, Position],
    Field(json_schema_extra={"allowed": '["H", [x, y, z]]: an element, its place in angstrom'}),
]

_OF_NAMES = ("molecule", "bond_length_angstrom", "bond_lengths_angstrom")

LONG = 10.0
"""Angstrom beyond which nuclei hardly feel each other: often another unit was meant."""

LONGEST_COMMENT = 200
_APART = "the parts hardly feel each other; if another unit was meant, convert it"
_BOHR = re.compile(r"\b(?:bohrs?|a\.u\.|atomic units?)(?!\w)", re.IGNORECASE)


_SPELLINGS = {"sto3g": "sto-3g", "631g": "6-31g", "6311g": "6-311g", "ccpvdz": "cc-pvdz"}


def _as_named(name: Any) -> Any:
    """Return a basis by its name, however it is spelled: STO3G, 6_31g, "6-311 G"."""
    if not isinstance(name, str):
        return name
    return _SPELLINGS.get(re.sub(r"[-_\s]", "", name.lower()), name)


Basis = Annotated[Literal["sto-3g", "6-31g", "6-311g", "cc-pvdz"], BeforeValidator(_as_named)]


MOST_ORBITALS = 50
"""Of integrals that are given: of many more there are too many for a request."""


class GivenIntegrals(OrbitalIntegrals):
    """Integrals over orthonormal orbitals, in hartree: what stands for a molecule's nuclei.

        H = core + sum_pq h_pq a+_p a_q + 1/2 sum_pqrs (pq|rs) a+_p a+_r a_s a_q,  and over spins

    (pq|rs) in chemists' notation; all are real, so that (pq|rs) = (qp|rs) = (rs|pq).
    """

    n_orbitals: Annotated[StrictInt, Field(ge=1, le=MOST_ORBITALS)] = Field(
        description="number of orbitals"
    )
    n_electrons: Annotated[StrictInt, Field(ge=1, le=2 * MOST_ORBITALS)] = Field(
        description="number of electrons in them"
    )
    core_energy: Finite = Field(
        0.0, description="energy without these electrons: of nuclei, and of others that are frozen"
    )
    one_electron: Entries[Finite] = Field(description="h_pq for p >= q, row by row")
    two_electron: Entries[Finite] = Field(
        description="(pq|rs) for p >= q, r >= s, pair pq not before pair rs, row by row"
    )

    @model_validator(mode="after")
    def _check_electrons(self) -> Self:
        if self.n_electrons > 2 * self.n_orbitals:
            allowed = f"up to {2 * self.n_orbitals}, two in each orbital"
            raise ValueError(refusal("n_electrons", self.n_electrons, allowed))
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Eight letters that tell these integrals from others."""
        numbers = (self.n_electrons, self.core_energy, self.one_electron, self.two_electron)
        return sha256(repr(numbers).encode()).hexdigest()[:8]


class Chemistry(Problem):
    """Minimise  <psi|H|psi>  over states of a molecule's electrons, nuclei at rest; in hartree."""

    type: Literal["chemistry"] = "chemistry"
    molecule: Annotated[StrictStr, Field(json_schema_extra={"enum": list(NAMED)})] | None = Field(
        None, description="name of a molecule; needs a bond length"
    )
    bond_length_angstrom: Length | None = Field(
        None, description="its one free length; for two atoms, their distance"
    )
    bond_lengths_angstrom: (
        Annotated[tuple[Length, ...], Field(min_length=2, max_length=50)] | None
    ) = Field(
        None,
        description="several lengths instead of one: a scan, whose curve is reported",
        json_schema_extra={"allowed": f"2 to 50 different numbers from {CLOSEST} to 100"},
    )
    geometry: Annotated[tuple[Nucleus, ...], Field(min_length=1, max_length=50)] | None = Field(
        None, description="each nucleus with its position in angstrom, instead of a name"
    )
    integrals: GivenIntegrals | None = Field(
        None, description="integrals over orbitals, instead of nuclei"
    )
    basis: Basis | None = Field(
        None,
        description="the basis set, by any common spelling, such as STO3G; if not given, sto-3g, "
        "and none of integrals",
    )
    comment: Annotated[StrictStr, Field(max_length=LONGEST_COMMENT)] | None = Field(
        None,
        description="the comment of an xyz file; it changes nothing",
        json_schema_extra={"allowed": f"text of at most {LONGEST_COMMENT} characters"},
    )
    charge: Annotated[StrictInt, Field(ge=-50, le=50)] | None = Field(
        None,
        description="net charge; if not given, that of the named molecule, else 0; none of "
        "integrals",
    )
    multiplicity: Annotated[StrictInt, Field(ge=1, le=50)] = Field(
        1, description="1 + number of unpaired electrons"
    )
    active_electrons: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        None, description="electrons that are not frozen in the lowest orbitals; all if not given"
    )
    active_orbitals: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        None,
        description="orbitals that these may occupy, lowest energy first; all if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.integrals is not None:
            self._check_given()
        elif self.geometry is None:
            self._check_named()
        else:
            self._check_unnamed("a geometry", _OF_NAMES)
            check_geometry(self.geometry)
        if self.integrals is None:
            self._fill_in()
        _ = self.space  # refuses by itself
        return self

    def _fill_in(self) -> None:
        """Fill in the last of what is left out: from here on the molecule is whole, and frozen."""
        name = NAMED.get(self.molecule or "")
        if name and name.charge and self.charge not in (None, name.charge):
            allowed = f"{name.charge}, which the name {self.molecule} says, or nothing"
            raise ValueError(refusal("charge", self.charge, allowed))
        if self.charge is None:
            self.__dict__["charge"] = name.charge if name else 0
        if self.basis is None:
            self.__dict__["basis"] = "sto-3g"

    def _check_given(self) -> None:
        self._check_unnamed("integrals", ("geometry", *_OF_NAMES))
        for name in ("basis", "charge"):
            if (value := getattr(self, name)) is not None:
                raise ValueError(refusal(name, value, "none: integrals say it themselves"))

    def _check_named(self) -> None:
        if self.molecule is None:
            allowed = f"one of {', '.join(NAMED)}, or geometry, or integrals"
            raise ValueError(f"molecule: missing; allowed: {allowed}")
        one, several = self.bond_length_angstrom, self.bond_lengths_angstrom
        if (one is None) == (several is None):
            got = "missing" if one is None else "got bond_lengths_angstrom beside it"
            allowed = "one of bond_length_angstrom and bond_lengths_angstrom"
            raise ValueError(f"bond_length_angstrom: {got}; allowed: {allowed}")
        for position, length in enumerate(several or ()):
            first = (several or ()).index(length)
            if first != position:
                allowed = f"each length once; it is bond_lengths_angstrom.{first} already"
                raise ValueError(refusal(f"bond_lengths_angstrom.{position}", length, allowed))
        geometry_of(self.molecule, self.lengths[0] or CLOSEST)

    def _check_unnamed(self, instead: str, others: Iterable[str]) -> None:
        for name in others:
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: got {instead} beside it; allowed: one of the two")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Lengths that are long for angstrom, and a comment that speaks of bohr."""
        found = []
        if self.comment and _BOHR.search(self.comment):
            found.append(
                f"problem.comment speaks of {_BOHR.findall(self.comment)[0]}, but positions were "
                "read in angstrom: 1 bohr is 0.529177 angstrom"
            )
        if long := [length for length in self.lengths if length and length > LONG]:
            named = ", ".join(f"{length:g}" for length in long)
            found.append(f"{named} angstrom is longer than any bond: {_APART}")
        if self.geometry is not None and (apart := _furthest_neighbour(self.geometry)) > LONG:
            found.append(f"a nucleus is {apart:.4g} angstrom from the nearest one: {_APART}")
        return tuple(found)

    @property
    def lengths(self) -> tuple[float | None, ...]:
        """The bond lengths in angstrom, in the order of the request; None for a geometry."""
        if self.bond_lengths_angstrom is not None:
            return self.bond_lengths_angstrom
        return (self.bond_length_angstrom,)

    def geometry_at(self, length: float | None) -> Geometry:
        """Return the nuclei at one of ``lengths``; of integrals none are known."""
        if self.integrals is not None:
            return ()
        if self.geometry is not None:
            return self.geometry
        assert self.molecule is not None
        assert length is not None
        return geometry_of(self.molecule, length)

    def nuclear_repulsion(self, length: float | None) -> float:
        """Return the energy without any electrons at one of ``lengths``, in hartree."""
        if self.integrals is not None:
            return self.integrals.core_energy
        return nuclear_repulsion(self.geometry_at(length))

    @cached_property
    def n_basis_functions(self) -> int:
        """Functions or orbitals that the molecule's orbitals are made of."""
        if self.integrals is not None:
            return self.integrals.n_orbitals
        return n_orbitals(self.geometry_at(self.lengths[0]), self.basis or "")

    @cached_property
    def space(self) -> ActiveSpace:
        """The electrons and orbitals that are computed with."""
        if self.integrals is not None:
            return space_within(
                self.integrals.n_electrons,
                self.integrals.n_orbitals,
                multiplicity=self.multiplicity,
                active_electrons=self.active_electrons,
                active_orbitals=self.active_orbitals,
            )
        return active_space(
            self.geometry_at(self.lengths[0]),
            self.basis or "",
            charge=self.charge or 0,
            multiplicity=self.multiplicity,
            active_electrons=self.active_electrons,
            active_orbitals=self.active_orbitals,
        )

    @property
    def sector(self) -> Sector:
        """The determinants of the active space."""
        return Sector(self.space.n_orbitals, self.space.n_alpha, self.space.n_beta)

    @property
    def n_qubits(self) -> int:
        """Spin orbitals of the active space, one qubit each."""
        return self.space.n_qubits

    @property
    def n_electrons(self) -> int:
        """All electrons, frozen ones included."""
        if self.integrals is not None:
            return self.integrals.n_electrons
        return n_electrons(self.geometry_at(self.lengths[0]), self.charge or 0)

    @property
    def formula(self) -> str:
        """Sum formula, in Hill's order: carbon, hydrogen, the others; with the charge.

        Of integrals a name by which they are told from others.
        """
        if self.integrals is not None:
            return f"integrals {self.integrals.fingerprint}"
        symbols = [symbol for symbol, _ in self.geometry_at(self.lengths[0])]
        return formula(symbols, self.charge or 0)


def _furthest_neighbour(geometry: Geometry) -> float:
    """Return the largest distance of a nucleus to the nearest other one, in angstrom."""
    places = [at for _, at in geometry]
    nearest = [
        min(dist(at, other) for j, other in enumerate(places) if j != i)
        for i, at in enumerate(places)
        if len(places) > 1
    ]
    return max(nearest, default=0.0)


def formula(symbols: Sequence[str], charge: int = 0) -> str:
    """Return the sum formula of atoms, in Hill's order.

    >>> formula(["H", "C", "H", "O", "H", "H"]), formula(["He", "H"], 1), formula(["O", "H"], -1)
    ('CH4O', 'HHe+', 'HO-')
    """
    counts = Counter(symbols)
    first = ["C", "H"] if "C" in counts else []
    order = sorted(counts, key=lambda symbol: (symbol not in first, symbol))
    atoms = "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)
    size = str(abs(charge)) if abs(charge) > 1 else ""
    return atoms + (size + ("+" if charge > 0 else "-") if charge else "")
