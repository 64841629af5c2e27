"""HELICS: the kernel as one federate.

A folder and not a file: reading a federate file, checking the mapping, joining a federation and carrying values each
have rules of their own, and only ``adapter`` touches the kernel. A run that does not ask for HELICS imports nothing of
it but the settings and the check of their mapping.
"""
