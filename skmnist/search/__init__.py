"""Searches over hyperparameters: what a finished one says."""

from skmnist.search._candidates import Edge
from skmnist.search._diagnose import diagnose_search
from skmnist.search._result import SearchDiagnosis

__all__ = ["Edge", "SearchDiagnosis", "diagnose_search"]
