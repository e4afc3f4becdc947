"""Kill fits and searches with SIGKILL at random moments, and compare their results.

    python tests/faults/kill_fits.py --kills 72

After every kill the task is started again in a new process, until it completes. Its
weights, history and predictions must be bit-identical to those of an uninterrupted run,
and a search must not train a completed fit again.

A quarter of the kills are uniformly distributed from the start of the fit on, the
others from the first epoch on that the process has saved. The processes are forked from
a server that has imported TensorFlow but not used it.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np

PROCESSES = multiprocessing.get_context("forkserver")
MAX_KILLS = 6  # of one task, which then runs to its end


def task(what):
    """Return an estimator or a search, and the number of samples to fit it on."""
    from sklearn.model_selection import GridSearchCV

    from skmnist import KerasMLPClassifier, LeNetClassifier

    if what == "LeNet":
        return LeNetClassifier(
            filters=(4, 8),
            hidden_layer_sizes=(16,),
            batch_size=32,
            epochs=16,
            save_best="accuracy",
            random_state=1,
        ), 200
    mlp = KerasMLPClassifier(
        hidden_layer_sizes=(64, 32),
        dropout=0.3,
        class_weight="balanced",
        validation_fraction=0.2,
        random_state=2,
    )
    if what == "MLP":
        return mlp.set_params(
            epochs=40, early_stopping=True, n_iter_no_change=30, save_best="val_loss"
        ), 400
    return GridSearchCV(
        mlp.set_params(epochs=8), {"dropout": [0.1, 0.3], "l2": [0.0, 1e-3]}, cv=2
    ), 400


def run(what, folder):
    """Run a task and write hashes of its result to the folder."""
    result = run_command(folder) if what == "command" else fit(what, folder)
    hashes = {name: joblib.hash(part) for name, part in result.items()}
    (folder / "result").write_text(json.dumps(hashes))


def run_command(folder):
    """Run `skmnist search` and return the numbers of its report."""
    import pandas as pd

    from skmnist.cli import app

    (folder / "started").touch()
    grid = "--grid hidden_layer_sizes=32,64x32 --grid l2=0,0.001 --epochs 8 --cv 2"
    # The folder contains "started" before the first run, and a search afterwards.
    where = f"--samples 400 --overwrite --resume --out {folder}"
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        app(["search", *grid.split(), *where.split()], standalone_mode=False)
    table = pd.read_csv(folder / "results.csv").drop(columns="fit_time")
    record = json.loads((folder / "search.json").read_text())
    return {"table": table.to_dict("list"), "best": record["best"]}


def fit(what, folder):
    """Fit an estimator or a search and return everything that must be reproduced."""
    from skmnist import load, load_digits28

    estimator, n_digits = task(what)
    X, y = load_digits28(return_X_y=True)
    X, y = (X[:n_digits] / 255).astype(np.float32), y[:n_digits]
    is_search = hasattr(estimator, "estimator")
    inner = estimator.estimator if is_search else estimator
    inner.set_params(checkpoint_dir=folder / "checkpoints")
    (folder / "started").touch()
    estimator.fit(X, y)
    clf = estimator.best_estimator_ if is_search else estimator
    result = {
        "weights": clf._training.weights,
        "optimizer": clf._training.optimizer_state,
        "history": clf.history_,
        "epochs": [clf.n_iter_, clf.best_epoch_],
        "predictions": clf.predict_proba(X),
    }
    if is_search:
        scores = estimator.cv_results_
        result |= {name: scores[name] for name in scores if "test_score" in name}
    else:
        best = load(clf.best_model_path_)
        result["best weights"] = best._training.weights
        result["best history"] = best.history_
    return result


def start(what, folder):
    """Start a task in a process and wait until it begins to fit."""
    (folder / "started").unlink(missing_ok=True)
    process = PROCESSES.Process(target=run, args=(what, folder))
    process.start()
    while not (folder / "started").exists() and process.is_alive():
        time.sleep(0.005)
    return process


def wait_for_epoch(folder, process):
    """Wait until a process has written a checkpoint."""
    since = time.time()
    while process.is_alive():
        for path in folder.glob("checkpoints/*/training.npz"):
            if path.stat().st_mtime > since:
                return
        time.sleep(0.005)


def states(folder):
    """Return the number of saved epochs, and the write time of each completed fit."""
    n_epochs, finished = 0, {}
    for path in (folder / "checkpoints").glob("*/training.npz"):
        try:
            with np.load(path) as arrays:
                description = json.loads(str(arrays["description"]))
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # the command was killed while it removed its checkpoints
        n_epochs += len(description["history"]["loss"])
        if description["finished"]:
            finished[path] = changed
    return n_epochs, finished


def repeated(before, now):
    """Return whether a completed fit was written again.

    Missing files do not count: the command removes its checkpoints at the end.
    """
    return any(now.get(path, time) != time for path, time in before.items())


def campaign(what, n_kills, rng):
    """Kill tasks of one kind `n_kills` times and return a row of the table."""
    row = {"tasks": 0, "kills": 0, "recovered": 0, "bit-equal": 0}
    row |= {"fits repeated": 0, "temporary files": 0, "epochs saved at kills": []}
    with tempfile.TemporaryDirectory() as folder:
        process = start(what, Path(folder))
        began = time.perf_counter()
        wait_for_epoch(Path(folder), process)
        first = time.perf_counter()
        process.join()
        # Seconds from the start of the fit, and from the first epoch, to the end.
        spans = time.perf_counter() - began, time.perf_counter() - first
        wanted = json.loads(Path(folder, "result").read_text())
    while row["kills"] < n_kills:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            kills, finished = 0, {}
            while True:
                process = start(what, folder)
                may_kill = kills < MAX_KILLS and row["kills"] < n_kills
                if may_kill:
                    from_first = rng.random() < 0.75
                    if from_first:
                        wait_for_epoch(folder, process)
                    # At most half of it, because each run has fewer epochs left.
                    time.sleep(rng.uniform(0, spans[from_first] / 2))
                if not may_kill or not process.is_alive():
                    break
                process.kill()
                process.join()
                n_epochs, now = states(folder)
                row["fits repeated"] += repeated(finished, now)
                row["epochs saved at kills"].append(n_epochs)
                finished = now
                kills += 1
                row["kills"] += 1
            process.join()
            row["tasks"] += 1
            if process.exitcode == 0:
                row["recovered"] += kills
                got = json.loads((folder / "result").read_text())
                differ = [name for name in wanted if got[name] != wanted[name]]
                row["bit-equal"] += kills * (not differ)
                if differ:
                    print(what, "differs in", ", ".join(differ), flush=True)
            now = states(folder)[1]
            row["fits repeated"] += repeated(finished, now)
            row["temporary files"] += len(list(folder.glob("checkpoints/*/.*")))
            print(what, {k: v for k, v in row.items() if "epochs" not in k}, flush=True)
    return row


def main():
    """Run the campaigns and print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=72)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", nargs="+", help="kinds of task to run")
    args = options.parse_args()
    PROCESSES.set_forkserver_preload(["skmnist._engine._training"])
    rng = np.random.default_rng(args.seed)
    names = args.only or ("MLP", "LeNet", "grid search", "command")
    rows = {name: campaign(name, -(-args.kills // len(names)), rng) for name in names}
    for name, row in rows.items():
        print(name, row)
    wrong = [n for n, r in rows.items() if r["bit-equal"] < r["kills"]]
    sys.exit(1 if wrong or any(r["fits repeated"] for r in rows.values()) else 0)


if __name__ == "__main__":
    main()
