"""The hypercube queueing model: its states, its balance, approximations, response, and how far it can be trusted."""
