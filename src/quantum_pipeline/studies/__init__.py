"""Studies: runs that belong together; a plan, rounds of runs, and one summary."""
