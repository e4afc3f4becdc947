"""scikit-learn's estimator checks on the classifiers; on PyTorch alone one may fail.

Configuration: float64, because some tolerances are below the resolution of float32;
full batches, because a sample weight of k must equal k copies of the sample; images of
one row for LeNet, because the checks pass any number of features.
"""

import keras
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    build_mlp,
)


class OneLayer:
    """Builder whose repr is equal in all processes, as pytest-xdist needs for ids."""

    def __call__(self, meta, *, units=16):
        return build_mlp(meta, hidden_layer_sizes=(units,))

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return "OneLayer()"


SETTINGS = {
    "batch_size": 512,
    "dtype": "float64",
    "learning_rate": 0.01,
    "random_state": 0,
}
ESTIMATORS = [
    KerasMLPClassifier(hidden_layer_sizes=(16,), epochs=60, **SETTINGS),
    LeNetClassifier(
        image_shape=(1, -1),
        filters=(16, 16),
        hidden_layer_sizes=(32,),
        dropout=0.0,
        hidden_dropout=0.0,
        epochs=80,
        **SETTINGS,
    ),
    KerasImageClassifier(
        OneLayer(),
        model_params={"units": 16},
        image_shape=(-1,),
        epochs=60,
        **SETTINGS,
    ),
]


def fails_on_pytorch(estimator):
    """Return the checks that need 64 bits, of which Keras on PyTorch loses some."""
    if keras.backend.backend() != "torch":
        return {}
    name = "check_sample_weight_equivalence_on_dense_data"
    return {name: "Keras on PyTorch rounds parts of a step to 32 bits"}


@pytest.mark.slow
# The checks pass numbers of any scale, for which these warnings are expected.
@pytest.mark.filterwarnings(
    "ignore:The (pixels|features) are far from unit scale:UserWarning"
)
@pytest.mark.filterwarnings("ignore:X has a root mean square:UserWarning")
# Raised by scikit-learn when set_params rejects the wrong types that a check passes.
@pytest.mark.filterwarnings("ignore:TypeError occurred during set_params")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=fails_on_pytorch)
def test_sklearn_compatible_estimator(estimator, check):
    check(estimator)
