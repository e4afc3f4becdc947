"""
Which candidate of a grid search do I take?
===========================================

Is the best candidate of a grid search the one to take? Its score is uncertain, and
others may be as good. :func:`~skmnist.diagnose_search` names the simplest candidate
within one standard error of the best: here, a network of 64 units instead of 128.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_search, load_digits28

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier(activation="relu", epochs=10, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)

# %%
# The search is scikit-learn's. A Pipeline names a parameter of its last step by the
# name of the step, two underscores, and the parameter. The training scores are for the
# curves below.
grid = {
    "kerasmlpclassifier__hidden_layer_sizes": [8, 16, 64, 128],
    "kerasmlpclassifier__learning_rate": [1e-3, 3e-3, 1e-2],
}
cv = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipe, grid, cv=cv, return_train_score=True).fit(X, y)
print(search.best_params_)
print(f"accuracy {search.best_score_:.3f}")

# %%
# What the search says beside its best point: the standard error of the best score, and
# the simplest candidate whose score is within it. Of networks, the one with fewer
# weights is simpler.
diagnosis = diagnose_search(search)
print(diagnosis)

# %%
# Each curve varies one parameter, with the others as in the best candidate. The heat
# map shows all combinations, with the best one outlined. Here, the smallest network is
# the worst one at each learning rate.
diagnosis.plot()

# %%
# The candidates as a table, the best first:
table = diagnosis.to_frame().set_index("rank").drop(columns="fit_time")
print(table.round(3).head().to_string())

# %%
# Take the simplest candidate, fit it to all data, and write the report of the search as
# one HTML file.
simplest = search.best_estimator_.set_params(**diagnosis.simplest).fit(X, y)
print(simplest[-1])
with TemporaryDirectory() as folder:
    path = Path(folder) / "search.html"
    diagnosis.to_html(path)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
