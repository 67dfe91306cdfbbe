"""Measurements that print what they were measured on; run as `python -m benchmarks.NAME`."""
