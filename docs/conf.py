"""Sphinx configuration."""

import importlib.metadata

project = "skmnist"
author = "The skmnist developers"
copyright = "2026, The skmnist developers"
version = release = importlib.metadata.version("skmnist")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.viewcode",
    "numpydoc",
]
autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
# Labels of scikit-learn's own guide, in docstrings that our classes inherit.
suppress_warnings = ["ref.ref"]
numpydoc_validation_exclude = {
    r"\.__init__$",
    r"\.(FitDiagnosis|FitComparison|SearchDiagnosis)$",
}
numpydoc_validation_checks = {"all", "EX01", "SA01", "ES01", "RT02", "PR02"}
# Attributes are in the docstrings of the classes, so the template lists methods only.
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "skmnist"
