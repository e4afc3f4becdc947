"""Sphinx configuration."""

import importlib.metadata
import sys
import zlib
from pathlib import Path

project = "skmnist"
author = "The skmnist developers"
copyright = "2026, The skmnist developers"
version = release = importlib.metadata.version("skmnist")

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
]
nitpicky = True
# The plots of the pages of evidence, drawn from docs/_data.
sys.path.insert(0, str(Path(__file__).parent / "studies"))
plot_formats = [("png", 150)]
plot_html_show_formats = False
plot_html_show_source_link = False
toc_object_entries_show_parents = "hide"
autosummary_generate = True
# Types are in the docstrings, in words.
autodoc_typehints = "none"
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = {"skmnist.search.Edge": False}
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "DataFrame": "pandas.DataFrame",
    "ndarray": "numpy.ndarray",
    "Pipeline": "sklearn.pipeline.Pipeline",
    "Bunch": "sklearn.utils.Bunch",
    "Axes": "matplotlib.axes.Axes",
    "matplotlib.figure.Figure": "matplotlib.figure.Figure",
    "Figure": "matplotlib.figure.Figure",
    "FitDiagnosis": "skmnist.FitDiagnosis",
    "FitComparison": "skmnist.FitComparison",
    "SearchDiagnosis": "skmnist.SearchDiagnosis",
    "Estimate": "skmnist.diagnosis.Estimate",
    "Extrapolation": "skmnist.diagnosis.Extrapolation",
    "Finding": "skmnist.diagnosis.Finding",
    "Separation": "skmnist.diagnosis.Separation",
    "Edge": "skmnist.search.Edge",
}


# The inventory on the web, or ours if it cannot be reached.
INVENTORIES = Path(__file__).parent / "_build" / "inventories"
intersphinx_mapping = {
    name: (address, (None, str(INVENTORIES / f"{name}.inv")))
    for name, address in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "pandas": "https://pandas.pydata.org/docs/",
        "matplotlib": "https://matplotlib.org/stable/",
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}
intersphinx_timeout = 10

numpydoc_validation_exclude = {
    r"\.__init__$",
    r"\.(FitDiagnosis|FitComparison|SearchDiagnosis)$",
    # Values that results contain: attributes instead of parameters, one-line methods.
    r"\.(Estimate|Extrapolation|Finding|Separation|Edge)\b",
}
# One-line docstrings of properties begin with the type.
numpydoc_validation_overrides = {"SS02": [r"^(bool|dict|float|int|str|tuple): "]}
numpydoc_validation_checks = {"all", "EX01", "SA01", "ES01", "RT02", "PR02"}
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
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {
        "text": "skmnist",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "header_links_before_dropdown": 7,  # the others are under "More"
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
# Copied without prompts and without output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
linkcheck_ignore = [r"https?://localhost", r"https?://127\.0\.0\.1"]
linkcheck_timeout = 20
linkcheck_retries = 2


def write_inventories(app):
    """Write an inventory for each file of ``inventories``.

    A line of a file is an entry of Sphinx's format: name, role, priority, address and
    title. The files hold the names that the documentation refers to, so that it can be
    built without a network.
    """
    INVENTORIES.mkdir(parents=True, exist_ok=True)
    for path in (Path(__file__).parent / "inventories").glob("*.txt"):
        head = f"# Sphinx inventory version 2\n# {path.stem}\n# \n# zlib\n"
        content = head.encode() + zlib.compress(path.read_bytes())
        (INVENTORIES / f"{path.stem}.inv").write_bytes(content)


def hide_signature(app, what, name, obj, options, signature, return_annotation):
    """Leave out the signatures of results, which functions of the package create."""
    if name.endswith((".FitDiagnosis", ".FitComparison", ".SearchDiagnosis")):
        return "", None
    return None


def skip_member(app, what, name, obj, skip, options):
    """Skip the fields of a named tuple: they are in the docstring of its class."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("builder-inited", write_inventories, priority=100)
    app.connect("autodoc-process-signature", hide_signature)
    app.connect("autodoc-skip-member", skip_member)
