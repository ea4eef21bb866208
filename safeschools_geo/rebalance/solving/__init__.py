"""What the general model is solved with: the solver, rows added when needed, and what few moves can reach."""
