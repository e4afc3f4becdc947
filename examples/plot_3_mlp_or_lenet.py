"""
Comparing an MLP and LeNet on the same folds
============================================

Cross-validate two networks on the same folds. The example uses only 600 digits and few
epochs, so that it runs in seconds; increase both for a fair comparison.
"""

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, LeNetClassifier, PixelScaler, load_digits28

N_SAMPLES, EPOCHS = 600, 4

X, y = load_digits28(return_X_y=True)
X, y = X[:N_SAMPLES], y[:N_SAMPLES]
folds = StratifiedKFold(n_splits=3, shuffle=True, random_state=0)

candidates = {
    "MLP": KerasMLPClassifier(epochs=EPOCHS, random_state=0),
    "LeNet": LeNetClassifier(epochs=EPOCHS, batch_size=32, random_state=0),
}
scores = {}
for name, clf in candidates.items():
    result = cross_validate(
        make_pipeline(PixelScaler(), clf), X, y, cv=folds, return_train_score=True
    )
    scores[name] = result["test_score"]
    print(
        f"{name:6} training {result['train_score'].mean():.3f}   "
        f"validation {result['test_score'].mean():.3f}   "
        f"{result['fit_time'].sum():.1f} s"
    )

# %%
# Both networks use the same folds, so the difference is computed fold by fold.
difference = scores["LeNet"] - scores["MLP"]
print("LeNet − MLP by fold:", np.round(difference, 3))
