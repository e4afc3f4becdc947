"""scikit-learn's own checks on the classifiers, none expected to fail.

The configuration: float64, because some tolerances lie below float32's resolution;
full batches, because a weight of k must equal k copies; one-row images for LeNet.
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    build_mlp,
)


class OneLayer:
    """A user's builder whose repr holds no address: pytest-xdist asks for equal ids."""

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


# The checks feed numbers of any scale, and ours are right to be called unscaled.
@pytest.mark.filterwarnings("ignore:The pixels are far from unit scale:UserWarning")
@pytest.mark.filterwarnings("ignore:These pixels have a root mean square:UserWarning")
# scikit-learn itself warns when set_params refuses the wrong types it tries.
@pytest.mark.filterwarnings("ignore:TypeError occurred during set_params")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_accepts(estimator, check):
    check(estimator)
