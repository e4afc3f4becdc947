"""Leave this folder to `make test-ecosystem`: it needs packages of its own."""


def pytest_ignore_collect(collection_path, config):
    wanted = any("ecosystem" in argument for argument in config.args)
    return None if wanted else True
