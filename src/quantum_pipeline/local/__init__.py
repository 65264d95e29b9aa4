"""AWS on this machine: moto, Lambda functions and Braket behind one endpoint."""
