"""Kinds of devices: the physics of all of a kind at once, and how they plan a day."""
