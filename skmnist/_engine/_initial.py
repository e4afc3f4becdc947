"""Initial weights of a network, drawn without building it again.

Building a network takes several times as long as drawing its weights. What a build with
another seed would draw is known from one build: Keras takes the seed of each layer's
initialiser and dropout, in order, from Python's generator.
"""

import random
from dataclasses import dataclass

import numpy as np

from skmnist._engine._backend import keras, to_numpy
from skmnist._engine._built import learning_rate_position

# Draws among which a layer's seed is looked for: more than the layers of any network.
_MOST_DRAWS = 200


@dataclass
class InitialState:
    """The initial state of a network and its optimizer, for any seed.

    Attributes
    ----------
    draws : list of tuple of (draw, constant)
        For each weight: a function of the seeds drawn, or None and the weight itself.
    optimizer_state : list of ndarray
    rate_position : int
        Of the learning rate in the optimizer's state.
    """

    draws: list
    optimizer_state: list
    rate_position: int
    _last: tuple = (None, ())

    def weights(self, seed):
        """Return the weights that a build with a seed gives, bit for bit."""
        last_seed, weights = self._last
        if seed != last_seed:
            seeds = _Seeds(seed)
            weights = [
                constant if draw is None else draw(seeds)
                for draw, constant in self.draws
            ]
            # The fits of a search often have one seed.
            self._last = seed, weights
        return [weight.copy() for weight in weights]

    def optimizer_state_at(self, learning_rate):
        """Return the optimizer's state with a learning rate; None keeps its own."""
        state = [value.copy() for value in self.optimizer_state]
        if learning_rate is not None:
            dtype = state[self.rate_position].dtype
            state[self.rate_position] = np.array(learning_rate, dtype)
        return state


def initial_state(model, optimizer, seed):
    """Return the initial state of a network that was built with a seed.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
    seed : int

    Returns
    -------
    state : InitialState or None
        None if the weights for another seed are not known to follow from those here.
    """
    sources = {}
    for layer in model._flatten_layers(include_self=False):
        sources |= _sources(layer, seed)
    weights = [to_numpy(variable) for variable in model.variables]
    if any(id(variable) not in sources for variable in model.variables):
        return None
    draws = [sources[id(variable)] for variable in model.variables]
    state = InitialState(
        [(draw, None if draw else w) for draw, w in zip(draws, weights, strict=True)],
        [to_numpy(variable) for variable in optimizer.variables],
        learning_rate_position(optimizer),
    )
    # What was found for this seed must give what the build gave.
    again = state.weights(seed)
    return state if all(map(np.array_equal, weights, again)) else None


class _Seeds:
    """The seeds that Keras draws after Python's generator was seeded, in order."""

    def __init__(self, seed):
        self._generator = random.Random(seed)
        self._drawn = []

    def __getitem__(self, position):
        while len(self._drawn) <= position:
            # As keras.random.SeedGenerator and the initialisers draw them.
            self._drawn.append(self._generator.randint(1, 10**9))
        return self._drawn[position]

    def position(self, drawn):
        """Return which draw a seed was; None if it was none of the first."""
        places = (i for i in range(_MOST_DRAWS) if self[i] == drawn)
        return next(places, None)


def _sources(layer, seed):
    """Return how the variables of a layer are drawn, by their ids."""
    sources, seeds = {}, _Seeds(seed)
    if type(layer) is keras.layers.BatchNormalization:
        return {id(variable): None for variable in layer.variables}
    for name in ("kernel", "bias"):
        variable = getattr(layer, name, None)
        initializer = getattr(layer, f"{name}_initializer", None)
        if variable is None or initializer is None:
            continue
        drawn = getattr(initializer, "seed", None)
        if drawn is None:
            sources[id(variable)] = None
        elif (position := seeds.position(drawn)) is not None:
            sources[id(variable)] = _Draw(initializer, position, variable)
    generator = getattr(layer, "seed_generator", None)
    if generator is not None:
        first = int(to_numpy(generator.state)[0])
        if (position := seeds.position(first)) is not None:
            sources[id(generator.state)] = _Seed(position, generator.state.dtype)
    return sources


class _Draw:
    """Draw a weight with an initialiser."""

    def __init__(self, initializer, position, variable):
        self._type, self._config = type(initializer), initializer.get_config()
        self._position = position
        self._shape, self._dtype = tuple(variable.shape), variable.dtype

    def __call__(self, seeds):
        config = self._config | {"seed": seeds[self._position]}
        value = self._type.from_config(config)(self._shape, dtype=self._dtype)
        return np.array(keras.ops.convert_to_numpy(value))


class _Seed:
    """The state of a dropout's generator before its first draw."""

    def __init__(self, position, dtype):
        self._position, self._dtype = position, dtype

    def __call__(self, seeds):
        return np.array([seeds[self._position], 0], self._dtype)
