"""The generator of the embedded, synthetic demo district."""
