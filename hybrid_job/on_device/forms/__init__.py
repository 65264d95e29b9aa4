"""Problems on forms on devices: the circuit of their states, and how its shots are read."""
