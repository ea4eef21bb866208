"""Check a written board packet again, without the solver and without the code that made it."""
