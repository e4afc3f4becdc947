"""The verdict on a fit: does a classifier underfit, overfit, both, or neither."""

from skmnist._estimate import Estimate
from skmnist.diagnosis._comparison import FitComparison, compare_fits
from skmnist.diagnosis._diagnose import diagnose_fit
from skmnist.diagnosis._findings import Finding
from skmnist.diagnosis._result import FitDiagnosis

__all__ = [
    "Estimate",
    "Finding",
    "FitComparison",
    "FitDiagnosis",
    "compare_fits",
    "diagnose_fit",
]
