"""The Braket hybrid job, which solves one prepared run."""
