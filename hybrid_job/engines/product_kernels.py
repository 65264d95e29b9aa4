"""The compiled loops of QAOA on spaces; importing this compiles or reads them.

A state is a row of reals, real and imaginary parts by turns: to a group it is an array of shape
(left, levels, width). ``index`` has the place of each state's cost among the distinct ones, whose
phases, values or whatever else comes in a table. The caller checks shapes.
"""

from __future__ import annotations

from numba import float64, int64, uint32, void

from hybrid_job.compiling import compiled

_reals, _integers, _indices = float64[::1], int64[::1], uint32[::1]
_fast = {"nnan", "ninf", "nsz", "reassoc", "contract"}


@compiled(void(_reals, int64, int64, float64, float64), fastmath=_fast)
def reflect(x, levels, width, real, imaginary):  # type: ignore[no-untyped-def]
    """Add a factor times its sum over the levels to each amplitude."""
    slab = levels * width
    for base in range(0, x.size, slab):
        for first in range(base, base + width, 2):
            a = b = 0.0
            for at in range(first, first + slab, width):
                a += x[at]
                b += x[at + 1]
            a, b = real * a - imaginary * b, real * b + imaginary * a
            for at in range(first, first + slab, width):
                x[at] += a
                x[at + 1] += b


@compiled(float64(_reals, _reals, int64, int64, float64, float64), fastmath=_fast)
def reflect_both(psi, bra, levels, width, real, imaginary):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Do so to two states; return Im of the product of their sums, conjugate that of ``bra``."""
    total, slab = 0.0, levels * width
    for base in range(0, psi.size, slab):
        for first in range(base, base + width, 2):
            a = b = c = d = 0.0
            for at in range(first, first + slab, width):
                a += psi[at]
                b += psi[at + 1]
                c += bra[at]
                d += bra[at + 1]
            total += c * b - d * a
            a, b = real * a - imaginary * b, real * b + imaginary * a
            c, d = real * c - imaginary * d, real * d + imaginary * c
            for at in range(first, first + slab, width):
                psi[at] += a
                psi[at + 1] += b
                bra[at] += c
                bra[at + 1] += d
    return total


@compiled(void(_reals, _indices, _reals), fastmath=_fast)
def turn(x, index, phases):  # type: ignore[no-untyped-def]
    """Multiply each amplitude by its phase; ``phases`` has pairs of reals."""
    for k in range(index.size):
        at = 2 * index[k]
        c, s, a, b = phases[at], phases[at + 1], x[2 * k], x[2 * k + 1]
        x[2 * k], x[2 * k + 1] = c * a - s * b, c * b + s * a


@compiled(float64(_reals, _reals, _indices, _reals), fastmath=_fast)
def overlap(psi, bra, index, values):  # type: ignore[no-untyped-def]
    """Return Im <bra|C|psi>."""
    total = 0.0
    for k in range(index.size):
        product = bra[2 * k] * psi[2 * k + 1] - bra[2 * k + 1] * psi[2 * k]
        total += values[index[k]] * product
    return total


@compiled(void(_reals, _indices, _reals, int64, int64[:, ::1], float64[:, ::1]))
def forward(x, index, phases, size, groups, factors):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Turn phases and reflect groups within one tile of ``size`` states after the other."""
    for first in range(0, index.size, size):
        tile = x[2 * first : 2 * (first + size)]
        turn(tile, index[first : first + size], phases)
        for k in range(len(groups)):
            levels, width = groups[k]
            reflect(tile, levels, width, factors[k, 0], factors[k, 1])


@compiled(
    void(
        _reals, _reals, _indices, _reals, _reals, int64, int64[:, ::1], float64[:, ::1], _reals
    )
)  # fmt: skip
def backward(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    psi, bra, index, values, phases, size, groups, factors, slopes
):
    """Undo both in two states; ``slopes`` gets what the angles of the groups and C have of it."""
    for first in range(0, index.size, size):
        ket = psi[2 * first : 2 * (first + size)]
        image = bra[2 * first : 2 * (first + size)]
        places = index[first : first + size]
        for k in range(len(groups)):
            levels, width = groups[k]
            real, imaginary = factors[k]
            product = reflect_both(ket, image, levels, width, real, imaginary)
            slopes[1] += 2.0 / levels * product
        slopes[0] += overlap(ket, image, places, values)
        turn(ket, places, phases)
        turn(image, places, phases)


@compiled(float64(_reals, _reals, _indices, _reals), fastmath=_fast)
def measure(psi, bra, index, values):  # type: ignore[no-untyped-def]
    """Set ``bra`` to a diagonal times ``psi``, and return its mean."""
    total = 0.0
    for k in range(index.size):
        value, a, b = values[index[k]], psi[2 * k], psi[2 * k + 1]
        bra[2 * k], bra[2 * k + 1] = value * a, value * b
        total += value * (a * a + b * b)
    return total


@compiled(void(_reals, _indices, _reals), fastmath=_fast)
def weigh(psi, index, masses):  # type: ignore[no-untyped-def]
    """Add the probability of each cost to ``masses``."""
    for k in range(index.size):
        masses[index[k]] += psi[2 * k] ** 2 + psi[2 * k + 1] ** 2


@compiled(void(_reals, int64, int64[:, ::1], _reals), fastmath=_fast)
def sum_neighbours(x, width, neighbours, into):  # type: ignore[no-untyped-def]
    """Set each level of ``into`` to the sum of the levels of x that are its neighbours."""
    rows, each = neighbours.shape
    for level in range(rows):
        for r in range(0, width, 2):
            a = b = 0.0
            for k in range(each):
                at = neighbours[level, k] * width + r
                a += x[at]
                b += x[at + 1]
            into[level * width + r], into[level * width + r + 1] = a, b
