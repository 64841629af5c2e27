"""The three entities of a distribution system operator and their surroundings."""
