"""The ground that a plan moves: service areas or areal units, their borders, and zones written back as polygons."""
