"""What the board packet is made of: counts, rates, plan and coverage as far as they are for the public."""
