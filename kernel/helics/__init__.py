"""HELICS: the kernel as one federate. Nothing here is imported before a run asks for it, but the settings."""
