"""What a plan is measured on, and how a plan drawn by a person is read."""
