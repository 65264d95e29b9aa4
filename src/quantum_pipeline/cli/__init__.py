"""The command ``qpipe``, and its client of a deployed pipeline."""
