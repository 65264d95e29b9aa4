"""Rows that are to be classified: as numbers, in their parts, as states; and models of them.

    tables         a table as text: separators, quotes, what is missing      tables
    columns        what a table's columns are, and its rows as numbers       columns
    parts          which rows are trained on, which are tested, folds        parts
    scaling        standardised, and turned onto their principal components  scaling
    encodings      a row's numbers as a state of qubits                      encodings
    kernels        how much two states are alike                             kernels
    stored         a fitted model, whole: what predicts, here and in the job stored

No scikit-learn and no compiler: what predicts is the same numpy wherever it runs.
"""
