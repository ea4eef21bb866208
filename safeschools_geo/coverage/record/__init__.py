"""What the record of calls says: how long they took, when they came, and who answered."""
