"""Reports: pages, pictures and tables of what a diagnosis found."""

from skmnist.report._folder import FILES, write_report
from skmnist.report._page import render_html

__all__ = ["FILES", "render_html", "write_report"]
