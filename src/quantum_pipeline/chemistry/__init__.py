"""Molecules: geometry, basis, active space, integrals, and the Hamiltonian among determinants.

    geometry -> ActiveSpace -> Integrals -> Sector -> Hamiltonian, and states by Excitations

Conventions, used everywhere and pinned by tests/unit/test_fermions.py:

- Lengths outside are in angstrom, energies in hartree.
- Two-electron integrals are in chemists' notation, (pq|rs) = int p(1) q(1) 1/r12 r(2) s(2).
- Spin orbital 2p is orbital p with spin up (alpha), 2p + 1 with spin down (beta), orbitals by
  rising energy: character k of a bitstring, from the left, is the occupation of spin orbital k, as
  in the Jordan-Wigner mapping of PennyLane and Qiskit Nature's interleaved order. Hartree-Fock H2
  is "1100".
- The vectors of ``Sector`` have one amplitude per determinant, whose creation operators stand with
  all alpha before all beta, each by rising orbital: |D> = prod a+_alpha prod a+_beta |vacuum>.
"""
