"""Points where officers wait: least mean, least longest, and largest covered, each with a bound."""
