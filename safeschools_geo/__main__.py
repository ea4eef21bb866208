"""``python -m safeschools_geo`` is the command ``safeschools``."""

from __future__ import annotations

from safeschools_geo.cli import main

main()
