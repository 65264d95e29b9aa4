"""Rows that are to be classified: as numbers, in their parts, as states; and models of them.

    tables         a table as text: separators, quotes, what is missing      tables
    columns        what a table's columns are, and its rows as numbers       columns
    parts          which rows are trained on, which are tested, folds        parts
    scaling        standardised, and turned onto their principal components  scaling
    encodings      a row's numbers as a state of qubits                      encodings
    kernels        how much two states are alike                             kernels
    reuploading    layers that take the row again and again, and scores     reuploading
    stored         a fitted model, whole: model.json                         stored
    prediction     what it says of rows, here and in the job                 prediction

No scikit-learn and no compiler: what predicts is the same numpy wherever it runs.
"""
