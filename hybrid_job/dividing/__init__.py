"""A problem too wide for one state, divided into blocks that are not, and put together again.

    partition   balanced communities of the couplings
    kernels     grows blocks around what promises gain, as far as it is seen from single flips
    spins       as bits, and as digits of the journal
    blocks      solves blocks, by QAOA or by what it is compared with
    workers     in parallel processes
    rounds      merges by turning over whole blocks, then improves in rounds; the best counts

No classical solution of the whole enters: what is known of it are its couplings, and what blocks
have found so far.
"""
