"""The devices that a request can name: their prices, and what Braket says of them now."""
