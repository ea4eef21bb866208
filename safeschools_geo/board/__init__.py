"""The public board packet."""
