"""Benchmarks: figures beside those of a named peer, measured in the same run."""
