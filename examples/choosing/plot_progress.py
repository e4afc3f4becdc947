"""
How do I see the progress of a grid search?
===========================================

A search over networks may run for hours: how far is it? The callbacks of scikit-learn
1.9 follow it: ``ProgressBar`` shows the fits, and the epochs inside them. A callback of
your own records what you want to see; here, it shows after a few epochs that the lowest
learning rate is too low.
"""

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.callback import ProgressBar
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier((32,), activation="relu", epochs=10, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)
rates = [1e-4, 1e-3, 1e-2]
grid = {"kerasmlpclassifier__learning_rate": rates}
search = GridSearchCV(pipe, grid, cv=2)

# %%
# A progress bar
# --------------
# Set on the search, it shows the fits; in a terminal, the bars move. With
# ``max_propagation_depth=None`` there is also a bar for the epochs of each fit.
search.set_callbacks(ProgressBar()).fit(X, y)

# %%
# A callback of your own
# ----------------------
# It is an object with four methods. A search passes it on to the Pipeline, and that to
# the classifier, if its ``max_propagation_depth`` allows it. ``context`` says which
# task has ended, and, by its parents, as part of what.


class AccuracyOfEpochs:
    """Keep the training accuracy after each epoch of each fit."""

    max_propagation_depth = None

    def setup(self, estimator, context):
        self.accuracies = {}

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            while context.source_task_name != "candidate-split-evaluation":
                context = context.parent
                if context is None:  # the fit of the best candidate at the end
                    return
            accuracies = self.accuracies.setdefault(context.task_id, [])
            accuracies.append(fitted_estimator.history_["accuracy"][-1])
            if len(accuracies) == estimator.epochs:
                print(f"fit {context.task_id + 1}: accuracy {accuracies[-1]:.3f}")


callback = AccuracyOfEpochs()
search.set_callbacks(callback).fit(X, y)

# %%
# The fits are numbered candidate by candidate, each with the two splits.
fig, ax = plt.subplots(layout="constrained")
for fit, accuracies in callback.accuracies.items():
    candidate, split = divmod(fit, 2)
    label = f"Learning rate {rates[candidate]:g}" if split == 0 else None
    epochs = range(1, len(accuracies) + 1)
    ax.plot(epochs, accuracies, ".-", color=f"C{candidate}", label=label)
ax.set(
    title="Six fits of a grid search", xlabel="Epoch", ylabel="Training accuracy (%)"
)
ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
ax.legend()
