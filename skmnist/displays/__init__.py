"""Pictures of a fit: scores after each epoch, and the error budget."""

from skmnist.displays._epoch_curve import EpochCurveDisplay
from skmnist.displays._fit_diagnosis import FitDiagnosisDisplay

__all__ = ["EpochCurveDisplay", "FitDiagnosisDisplay"]
