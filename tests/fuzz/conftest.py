"""Exclude the fuzzer, which is run manually, from collection by pytest."""

collect_ignore_glob = ["*.py"]
