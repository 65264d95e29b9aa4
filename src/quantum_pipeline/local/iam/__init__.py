"""IAM on this machine: what the roles of the template may do, held to their policies as on AWS."""
