"""The fuzzer is run by hand: pytest finds nothing here."""

collect_ignore_glob = ["*.py"]
