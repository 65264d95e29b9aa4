"""Models of a table's rows: what is fitted, how settings are chosen, what is compared."""
