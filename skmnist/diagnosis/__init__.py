"""The verdict on a fit: does a classifier underfit, overfit, both, or neither."""

from skmnist.diagnosis._diagnose import diagnose_fit
from skmnist.diagnosis._fit_diagnosis import FitDiagnosis

__all__ = ["FitDiagnosis", "diagnose_fit"]
