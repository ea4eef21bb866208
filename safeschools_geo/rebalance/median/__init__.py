"""The capacitated p-median with contiguous zones: least travel to centres, with a bound."""
