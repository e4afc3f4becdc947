"""The verdict on a fit: does a classifier underfit, overfit, both, or neither."""

from skmnist.diagnosis._diagnose import diagnose_fit
from skmnist.diagnosis._findings import Finding
from skmnist.diagnosis._fit_diagnosis import FitDiagnosis
from skmnist.diagnosis._intervals import Estimate

__all__ = ["Estimate", "Finding", "FitDiagnosis", "diagnose_fit"]
