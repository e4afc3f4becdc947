"""
How do I spread a grid search over a cluster?
=============================================

How do the fits of a search run on several machines? Start a Dask cluster, connect, and
search inside ``parallel_config("dask")``; the search itself does not change. The
cluster below consists of two workers on this machine. A real one is used in the same
way.
"""

import matplotlib.pyplot as plt
from dask.distributed import Client, LocalCluster, get_task_stream
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier((64,), activation="relu", epochs=10, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)
grid = {"kerasmlpclassifier__learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}
cv = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipe, grid, cv=cv)

# %%
# The workers are threads of this process, so that the example starts at once. With
# ``processes=True``, the default, put the code of a script under ``if __name__ ==
# "__main__":``. To use a cluster that is running already, pass its address:
# ``Client("tcp://address-of-the-scheduler:8786")``. skmnist must be installed on its
# workers.
cluster = LocalCluster(
    n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
)
with cluster, Client(cluster) as client:
    print("workers:", len(client.scheduler_info()["workers"]))
    with get_task_stream(client) as stream, parallel_config("dask"):
        search.fit(X, y)

# %%
# The results are those of a search in this process.
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(params, f"accuracy {score:.3f}")

# %%
# What each worker computed when: a bar is a task, of one fit or a few.
start = min(part["start"] for task in stream.data for part in task["startstops"])
fig, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
workers = sorted({task["worker"] for task in stream.data})
for task in stream.data:
    for part in task["startstops"]:
        if part["action"] == "compute":
            span = part["start"] - start, part["stop"] - part["start"]
            place = workers.index(task["worker"]) - 0.3, 0.6
            ax.broken_barh([span], place, facecolor="C0", edgecolor="white")
ax.set(title="Tasks of a grid search on two workers", xlabel="Seconds")
ax.set_yticks(range(len(workers)), [f"Worker {i + 1}" for i in range(len(workers))])
