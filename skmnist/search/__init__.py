"""Searches over hyperparameters: what a finished one says."""

from skmnist.search._candidates import Edge
from skmnist.search._result import SearchDiagnosis, diagnose_search

__all__ = ["Edge", "SearchDiagnosis", "diagnose_search"]
