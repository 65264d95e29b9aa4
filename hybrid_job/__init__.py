"""The Braket hybrid job: QAOA on one prepared run."""
