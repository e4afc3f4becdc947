"""
Is one model better than another?
=================================

Does a convolutional network beat a multilayer perceptron on these digits, or may the
difference be chance? Cross-validate both on the same folds, and compare them sample by
sample with :func:`~skmnist.compare_fits`. Below, the convolutional network has the
lower error, 2.4 % against 3.1 %, but 899 digits do not prove a difference.
"""

from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import (
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    compare_fits,
    diagnose_fit,
    load_digits28,
)

X, y = load_digits28(return_X_y=True)
X, y = X[::2], y[::2]

# %%
# The convolutional network is a LeNet with fewer filters than the reference network, so
# that the example runs in seconds.
candidates = {
    "MLP": KerasMLPClassifier(epochs=20, random_state=0),
    "LeNet": LeNetClassifier(
        filters=(8, 16),
        dropout=0.0,
        hidden_dropout=0.3,
        learning_rate=3e-3,
        learning_rate_schedule="one_cycle",
        batch_size=32,
        epochs=15,
        random_state=0,
    ),
}

# %%
# The folds must be the same for both, or the comparison raises an error: a fold with
# hard digits is then hard for both. ``reference=0.0`` says that these digits can be
# read without error, and saves the training of reference models.
cv = StratifiedKFold(3, shuffle=True, random_state=0)
diagnoses = {}
for name, clf in candidates.items():
    pipe = make_pipeline(PixelScaler(), clf)
    diagnoses[name] = diagnose_fit(pipe, X, y, cv=cv, reference=0.0, random_state=0)
    errors = 1 - diagnoses[name].folds["validation_accuracy"]
    print(f"{name:5} errors of the folds:", *errors.map("{:.1%}".format))

# %%
# The errors of one network differ as much from fold to fold as those of the two
# networks. The comparison looks at the samples on which only one of the two errs. If
# none is better, the interval says how large the difference may be.
comparison = compare_fits(*diagnoses.values(), names=tuple(candidates))
print(comparison)

# %%
# Both errors with their intervals. Intervals that overlap do not mean that no
# difference is proven, because both networks were tested on the same digits: read the
# sentence above.
comparison.plot()
