"""Bits that may not take every value: spaces of states, polynomials and constraints on them.

A problem with constraints has a ``Form``: bits in groups, each with the patterns that it may show,
a polynomial to minimise, and the linear constraints that the groups do not keep by themselves.

    groups       which patterns bits may show; their product is the space of states
    polynomial   sums of products of bits or spins, at one assignment or at all states
    form         objective, constraints and their violation
    mixers       what moves a group among its levels, and nowhere else
    statevector  QAOA on the states of a space, with numpy
    encoding     a form as a circuit of a device turns it: constraints in one polynomial
    ladders      the gates of a polynomial's phases
    readings     what the shots of a device say, of which some may be no states

Conventions: bit i of a bitstring, from the left, is bit i of the form, as in ``ising``. States are
numbered as C order numbers the elements of an array with one axis a group: the last group's level
changes fastest.
"""

from quantum_pipeline.spaces.form import Constraint, Form, Sense
from quantum_pipeline.spaces.groups import Group, Space
from quantum_pipeline.spaces.polynomial import Monomial, Polynomial

__all__ = ["Constraint", "Form", "Group", "Monomial", "Polynomial", "Sense", "Space"]
