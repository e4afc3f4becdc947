"""Measure predict on one image and on 10,000, and compare with Keras's model.predict.

Usage::

    python examples/benchmarks/bench_predict.py
"""

import statistics

import _common as common

options = common.parser(__doc__.splitlines()[0], rounds=5)
options.add_argument(
    "--repeats", type=int, default=30, help="calls per round on one image"
)
args = options.parse_args()
X, y, X_test, _ = common.mnist(2_000)


def median_of(repeats, function, *arguments, **keywords):
    """Return the median duration of repeated calls in seconds, after a warm-up call."""
    function(*arguments, **keywords)
    return statistics.median(
        common.timed(function, *arguments, **keywords) for _ in range(repeats)
    )


for model in ("mlp", "lenet"):
    flat = model == "mlp"
    clf = common.ours(model, epochs=1).fit(X, y)
    network = common.keras_mlp() if flat else common.keras_lenet()
    ready, _ = common.as_script(X_test, X_test[:, 0, 0], flat)
    ready = ready.astype("float32")
    for n_images, repeats in ((1, args.repeats), (10_000, 1)):
        contenders = {
            "skmnist": lambda n=n_images, r=repeats, clf=clf: median_of(
                r, clf.predict, X_test[:n]
            ),
            "model.predict": lambda n=n_images, r=repeats, net=network, X=ready: (
                median_of(r, net.predict, X[:n], verbose=0)
            ),
        }
        seconds = common.interleave(contenders, args.rounds)
        common.table(
            f"{model}, predict {n_images:,} image(s), warm: milliseconds",
            {name: [1000 * s for s in values] for name, values in seconds.items()},
            args.csv,
            unit="ms",
        )
