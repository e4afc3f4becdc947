"""Measure the first fit in a process, including compilation, and compare with Keras.

    python examples/benchmarks/bench_cold_fit.py

Each fit runs in a fresh process. Imports and loading the data are not timed.
"""

import sys

import _common as common


def fit(who, data):
    """Return the duration of a fit of five epochs in seconds."""
    if data == "mnist":
        images, y, *_ = common.mnist()
    else:
        images, y = (array[:1437] for array in common.digits())
    if who == "skmnist":
        import skmnist._engine._training  # noqa: F401, imports Keras, not timed

        return common.timed(common.ours(epochs=5).fit, images, y)
    import keras  # noqa: F401, not timed

    def script():
        X, one_hot = common.as_script(images, y)
        common.keras_mlp().fit(X, one_hot, batch_size=32, epochs=5, verbose=0)

    return common.timed(script)


if len(sys.argv) == 4 and sys.argv[1] == "--one":
    print(fit(*sys.argv[2:]))
    sys.exit()

args = common.parser(__doc__.splitlines()[0]).parse_args()


def alone(who, data):
    return float(common.in_fresh_process(__file__, "--one", who, data)[0])


for data, title in {
    "mnist": "60,000 MNIST images",
    "digits": "1,437 digits",
}.items():
    contenders = {
        "skmnist": lambda data=data: alone("skmnist", data),
        "Keras script": lambda data=data: alone("keras", data),
    }
    common.table(
        f"mlp, {title}, 5 epochs, cold: seconds",
        common.interleave(contenders, args.rounds),
        args.csv,
    )
