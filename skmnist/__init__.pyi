from skmnist import architectures as architectures
from skmnist import classifiers as classifiers
from skmnist import cli as cli
from skmnist import datasets as datasets
from skmnist import diagnosis as diagnosis
from skmnist import displays as displays
from skmnist import persistence as persistence
from skmnist import preprocessing as preprocessing
from skmnist import report as report
from skmnist import search as search
from skmnist.architectures import build_lenet, build_mlp
from skmnist.classifiers import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
)
from skmnist.datasets import (
    fetch_mnist,
    load_digits28,
    load_images,
    read_idx,
    write_idx,
)
from skmnist.diagnosis import FitComparison, FitDiagnosis, compare_fits, diagnose_fit
from skmnist.displays import (
    EpochCurveDisplay,
    FitDiagnosisDisplay,
    LearningRateDisplay,
)
from skmnist.persistence import load, save
from skmnist.preprocessing import (
    ImageFlattener,
    ImageReshaper,
    MNISTFormatter,
    OneHotLabelEncoder,
    PixelScaler,
)
from skmnist.search import SearchDiagnosis, diagnose_search

__version__: str
__all__ = [
    "EpochCurveDisplay",
    "FitComparison",
    "FitDiagnosis",
    "FitDiagnosisDisplay",
    "ImageFlattener",
    "ImageReshaper",
    "KerasImageClassifier",
    "KerasMLPClassifier",
    "LeNetClassifier",
    "LearningRateDisplay",
    "MNISTFormatter",
    "OneHotLabelEncoder",
    "PixelScaler",
    "SearchDiagnosis",
    "__version__",
    "build_lenet",
    "build_mlp",
    "compare_fits",
    "diagnose_fit",
    "diagnose_search",
    "fetch_mnist",
    "load",
    "load_digits28",
    "load_images",
    "read_idx",
    "save",
    "write_idx",
]
