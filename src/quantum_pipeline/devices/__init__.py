"""The devices that a request can name: their prices, and what Braket reports of them now."""
