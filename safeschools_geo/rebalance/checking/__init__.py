"""Check a written plan and its certificate again, without the solver and without the code that made them."""
