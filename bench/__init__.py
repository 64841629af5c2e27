"""Benchmarks: latency and scale."""
