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

# The gallery: a folder of examples for each section, ordered by their file names.
# An example that has not changed is not run again.
extensions.append("sphinx_gallery.gen_gallery")
_SECTIONS = (
    "first_steps",
    "over_and_underfitting",
    "choosing",
    "training",
    "your_own",
    "beyond_one_machine",
)
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": "optuna_study",
    "subsection_order": [f"../examples/{section}" for section in _SECTIONS],
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "auto_examples/backreferences",
    "doc_module": ("skmnist",),
    "reset_modules": ("matplotlib",),
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_",),
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skmnist"
