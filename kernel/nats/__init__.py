"""The networked bus on NATS: client, server, credentials and permissions."""
