"""Files that people have, read as requests: a module for each family of formats.

    formats     the table: a format's name, suffixes, marks, and what reads it
    content     bytes as they come: compressed, of another encoding, or no text at all
    lines       lines, words and numbers of text files
    triples     lines "i j value": rudy, edge lists, COOrdinate, OR-Library, Biq Mac, qbsolv
    matrices    .npy, MatrixMarket, CSV, dense text
    graphs      GML, GraphML, graph6, METIS, DIMACS
    json_forms  requests and problems, graphs of networkx, models of dimod, bqpjson
    programs    an objective under constraints, of whatever file
    lp          LP files, in tokens of lp_tokens
    models      dimod's files
    clauses     DIMACS CNF and WCNF
    tours       TSPLIB
    molecules   .xyz, extended and QM9
    reading     which format it is, by --as, suffix or form, and the request that comes of it

They are read on this machine alone: neither Lambdas nor jobs have them, or the libraries that they
take, which are imported where they are used.
"""
