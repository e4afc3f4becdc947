"""Pictures of a fit: scores after each epoch, the error budget, the learning rate."""

from skmnist.displays._epoch_curve import EpochCurveDisplay
from skmnist.displays._fit_diagnosis import FitDiagnosisDisplay
from skmnist.displays._learning_rate import LearningRateDisplay

__all__ = ["EpochCurveDisplay", "FitDiagnosisDisplay", "LearningRateDisplay"]
