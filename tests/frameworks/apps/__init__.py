"""One turn of an agent in each framework, as its documentation shows it."""
