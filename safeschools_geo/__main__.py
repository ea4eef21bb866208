"""``python -m safeschools_geo`` is the command ``safeschools``."""

from safeschools_geo.cli import main

main()
