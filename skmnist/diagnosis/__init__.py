"""The verdict on a fit: does a classifier underfit, overfit, both, or neither."""

from skmnist._estimate import Estimate
from skmnist.diagnosis._comparison import FitComparison, compare_fits
from skmnist.diagnosis._diagnose import diagnose_fit
from skmnist.diagnosis._extrapolation import Extrapolation
from skmnist.diagnosis._finding import Finding
from skmnist.diagnosis._result import FitDiagnosis
from skmnist.diagnosis._shift import Separation

__all__ = [
    "Estimate",
    "Extrapolation",
    "Finding",
    "FitComparison",
    "FitDiagnosis",
    "Separation",
    "compare_fits",
    "diagnose_fit",
]
