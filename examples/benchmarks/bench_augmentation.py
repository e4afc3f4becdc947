"""Measure what augmentation adds to an epoch; compare with Keras's layers.

    python examples/benchmarks/bench_augmentation.py
    python examples/benchmarks/bench_augmentation.py --model lenet --samples 12000

The contenders are an epoch after the first without augmentation, with the affine
deformations, with the elastic one as well, and (--keras) with the same affine
deformations by Keras's layers at the head of the network, in a Keras script.
"""

import statistics

import _common as common
import numpy as np

options = common.parser(__doc__.splitlines()[0])
options.add_argument("--model", choices=["mlp", "lenet"], default="mlp")
options.add_argument("--samples", type=int, default=60_000)
options.add_argument("--epochs", type=int, default=3)
options.add_argument("--keras", action="store_true", help="also run Keras's layers")
args = options.parse_args()

AFFINE = {
    "random_rotation": 0.03,
    "random_translation": 0.07,
    "random_zoom": 0.1,
    "random_shear": 0.1,
}
X, y, _, _ = common.mnist(args.samples)


def ours(**params):
    """Return a function that measures an epoch of ours, in seconds."""

    def measure():
        timer = common.epoch_timer()
        clf = common.ours(args.model, epochs=args.epochs, callbacks=[timer], **params)
        clf.fit(X, y)
        return statistics.median(timer.seconds[1:])

    return measure


def keras_layers():
    """Measure an epoch of Keras with its layers at the head of the network."""
    import keras

    layers = keras.layers
    network = common.keras_mlp() if args.model == "mlp" else common.keras_lenet()
    inner = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.RandomRotation(0.03, fill_mode="nearest"),
            layers.RandomTranslation(0.07, 0.07, fill_mode="nearest"),
            layers.RandomZoom(0.1, fill_mode="nearest"),
            layers.RandomShear(0.1, 0.1, fill_mode="nearest"),
            *([layers.Flatten()] if args.model == "mlp" else []),
            *network.layers,
        ]
    )
    inner.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    timer = common.epoch_timer()
    images = (X[..., None] / 255).astype(np.float32)
    inner.fit(
        images,
        keras.utils.to_categorical(y, 10),
        batch_size=32 if args.model == "mlp" else 128,
        epochs=2,
        verbose=0,
        callbacks=[timer],
    )
    return timer.seconds[-1]


contenders = {
    "no augmentation": ours(),
    "affine": ours(**AFFINE),
    "affine and elastic": ours(**AFFINE, random_elastic=0.04),
}
if args.keras:
    contenders["Keras's layers, affine"] = keras_layers
common.table(
    f"{args.model}, {len(X)} images, one epoch",
    common.interleave(contenders, args.rounds),
    args.csv,
    baseline="no augmentation",
)
