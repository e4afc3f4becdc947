"""Displays draw at once, in figures of pyplot that nobody closes."""

import pytest


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
