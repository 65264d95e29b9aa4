"""Models of rows: what is fitted, how settings are chosen, what they are compared with."""
