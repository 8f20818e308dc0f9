"""Components: dataclasses whose fields have domains, and spaces of them that a search moves in."""
