"""A request as it is asked: problem, algorithm, mitigation, limits; and the JSON it comes as."""
