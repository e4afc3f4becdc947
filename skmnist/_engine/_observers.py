"""Observers: what happens around the epochs of a training besides its steps.

Each observer is one reason to look at a training between two epochs: the user's Keras
callbacks, early stopping, a checkpoint on disk. The loop in `_training` knows them only
by the hooks of `Observer`, and calls them in this order, which matters: a callback can
change the weights that early stopping keeps, and a checkpoint records both decisions.
"""

import contextlib
import warnings

import numpy as np

from skmnist._engine._backend import BACKEND, keras
from skmnist._engine._changes import Settings, predict_alike
from skmnist._engine._losses import as_in_keras


class Observer:
    """The hooks that the training loop calls; here they do nothing.

    `loop` is the `skmnist._engine._training.Loop` at hand.
    """

    def on_begin(self, loop):
        """Prepare the first epoch; `loop.state` may still be changed.

        Observers are called in reverse order here, so that a checkpoint restores the
        state before anybody reads it.
        """

    def on_epoch_begin(self, loop, epoch):
        """Prepare an epoch, counted from 0."""

    def after_epoch(self, loop, epoch, logs):
        """Act on a finished epoch; set `loop.finished` to make it the last."""

    def on_end(self, loop):
        """Act after the last epoch, unless an error ended the training."""


class KerasCallbacks(Observer):
    """Keras callbacks, which get a network of the fit's own.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Called themselves, not copied, so that what they collect can be read after the
        fit.
    verbose : {0, 1, 2}
        As in Keras.
    """

    def __init__(self, callbacks, verbose):
        self.callbacks = list(callbacks)
        self._verbose = verbose
        self._own = self._by_batches = None
        self._logs = _LastLogs()
        self._changed = []
        # Whether Keras would have traced the training step.
        self._is_traced = False

    @property
    def _follows_test_batches(self):
        names = "on_test_batch_begin", "on_test_batch_end"
        return any(_overrides_hooks(callback, names) for callback in self.callbacks)

    @property
    def batches_reason(self):
        """Why training follows single batches, for a warning; None if it does not."""
        names = [type(c).__name__ for c in self.callbacks if _follows_batches(c)]
        if not names:
            return None
        return f"{names[0]} overrides per-batch hooks", "Per-epoch hooks add no cost."

    @property
    def stopped(self):
        """Whether a callback has stopped the training."""
        return self._own is not None and self._own.model.stop_training

    def open(self, last, n_steps):
        """Make the list of callbacks for a training.

        Parameters
        ----------
        last : int
            The number of epochs at its end.
        n_steps : int
            Batches in an epoch.
        """
        self.events = keras.callbacks.CallbackList(
            [*self.callbacks, self._logs],
            add_progbar=self._verbose > 0,
            verbose=self._verbose,
            epochs=last,
            steps=n_steps,
        )

    def attach(self, own, network, by_batches):
        """Give the callbacks their network, so that they never get a shared one.

        Parameters
        ----------
        own : Variables
        network : Network
        by_batches : callable or None
            Returns a trainer of `own`, for a callback that changes more than variables.
            Until then, the values of another trainer are copied into `own` before every
            event and back after. None if `own` itself is trained.
        """
        self._own, self._network, self._by_batches = own, network, by_batches
        model = own.model
        if by_batches is not None:
            network.compile(model, own.optimizer)
        # Metrics have no names before they are computed once, and callbacks read from
        # them whether a monitored quantity is to be maximised.
        one_hot = network.example_targets()
        _, encode = as_in_keras(network.compiled().sample_loss)
        targets, outputs = map(keras.ops.convert_to_tensor, (encode(one_hot), one_hot))
        # Keras's own, as that of the network may need samples.
        keras.Model.compute_metrics(model, None, targets, outputs)
        model.reset_metrics()
        model.stop_training = False
        self.events.set_model(model)
        self._settings = self._current_settings()

    def close(self):
        """Detach the callbacks from the network, so that they can be copied."""
        for callback in self.callbacks:
            if hasattr(callback, "_model"):
                callback._model = None

    def on_begin(self, loop):
        """Call ``on_train_begin``."""
        if self._own is not None:
            self._own.assign(loop.state.weights, loop.state.optimizer_state)
        self.events.on_train_begin()
        if self._own is not None:
            # Set by Keras's BackupAndRestore, and read by keras.Model.fit.
            if getattr(self._own.model, "_initial_epoch", None):
                raise ValueError(
                    "BackupAndRestore found the backup of an interrupted fit, which "
                    "the classifier cannot resume. Set checkpoint_dir in place of this "
                    "callback, or delete its backup_dir to start again."
                )
            self._note_changes()
            loop.state.weights, loop.state.optimizer_state = self._own.values()

    def on_epoch_begin(self, loop, epoch):
        """Call ``on_epoch_begin``."""
        with self._synchronised(loop.trainer):
            self.events.on_epoch_begin(epoch)
        if self._by_batches is not None:
            if self._changed:
                loop.trainer = self._trainer_of_own()
            self._is_traced = True

    def evaluate(self, loop):
        """Evaluate the held-out rows, with the weights that ``on_test_begin`` sets."""
        with self._synchronised(loop.trainer):
            self.events.on_test_begin()
            owner = loop.trainer if self._own is None else self._own
            events = self.events if self._follows_test_batches else None
            scores = loop.evaluate(owner.weights(), events)
            self.events.on_test_end(scores)
        return scores

    def after_epoch(self, loop, epoch, logs):
        """Call ``on_epoch_end``, and record what the callbacks add to the logs."""
        with self._synchronised(loop.trainer):
            self.events.on_epoch_end(epoch, logs)
        self._is_traced = True
        loop.state.amend(self._logs.last)
        loop.finished |= self.stopped

    def on_end(self, loop):
        """Call ``on_train_end``."""
        with self._synchronised(loop.trainer):
            self.events.on_train_end(self._logs.last)

    @contextlib.contextmanager
    def _synchronised(self, trainer):
        """Show the callbacks the trainer's values, and take back what they changed."""
        if self._own is None:
            yield
            return
        if self._by_batches is None:
            yield
            self._note_changes()
            return
        self._own.assign(*trainer.values())
        yield
        self._note_changes()
        trainer.assign(*self._own.values())

    def _trainer_of_own(self):
        """Return a trainer of the network that the callbacks have changed."""
        changed = f"A callback has changed {_listed(self._changed)}"
        warn_of_batches(changed, "What the builder sets adds no cost.")
        model = self._own.model
        stopped = model.stop_training
        trainer, self._by_batches = self._by_batches(), None
        model.stop_training = stopped
        self._settings = self._current_settings()
        return trainer

    def _current_settings(self):
        """Return the settings of the callbacks' network."""
        # Once the step is traced, attributes of layers have no effect, as in Keras.
        own = self._own
        return Settings(own.model, own.optimizer, attributes=not self._is_traced)

    def _note_changes(self):
        """Note what callbacks have changed in the network besides its variables.

        Raises
        ------
        ValueError
            If predictions depend on it.
        """
        before, self._settings = self._settings, self._current_settings()
        of_training, others, compiled = self._settings.changed_since(before)
        if others and not compiled and self._predicts_as_built():
            of_training, others = of_training + others, []
        if others or compiled:
            raise ValueError(
                f"A callback has changed {_listed(others + compiled)}. The "
                "classifier predicts with the network as its builder returns it, so "
                "that the change would be lost: make it in the builder."
            )
        if not self._is_traced:
            self._changed += of_training
        elif of_training and BACKEND != "torch":
            warnings.warn(
                f"A callback has changed {_listed(of_training)} after the first step, "
                "which has no effect, as in keras.Model.fit: the training step is "
                "compiled already. Make the change before the first step, and train "
                "the epochs after it in another fit, with warm_start=True.",
                UserWarning,
                stacklevel=1,
            )

    def _predicts_as_built(self):
        """Return whether the network predicts as its builder returns it."""
        built, _ = self._network.build()
        return predict_alike(self._own.model, built, self._network.sample())


class _LastLogs(keras.callbacks.Callback):
    """The logs of the last epoch, with what the callbacks before have added."""

    last = None

    def on_epoch_end(self, epoch, logs=None):
        self.last = logs or {}


class EarlyStopping(Observer):
    """Stop when the loss on held-out rows no longer falls.

    Parameters
    ----------
    patience : int
        Stop after this many epochs without a lower validation loss.
    restore_best_weights : bool
        Whether the training ends with the weights of its best epoch. A training that
        continues an earlier one ends with the weights that it began with if no epoch
        was better.
    """

    def __init__(self, patience, restore_best_weights):
        self._patience = patience
        self._restores = restore_best_weights
        self._best_loss = np.inf

    def on_begin(self, loop):
        """Evaluate what a checkpoint has kept, or what the training begins with."""
        if "stopping" not in loop.kept and loop.first > 0:
            loop.kept["stopping"] = loop.state.weights, loop.state.optimizer_state
        if "stopping" in loop.kept:
            weights, _ = loop.kept["stopping"]
            self._best_loss = loop.evaluate(weights, None)["loss"]
        # Epochs are counted from 1; 0 stands for the beginning.
        losses = loop.state.history.get("val_loss", [])[loop.first :]
        self._best_epoch = loop.first
        if len(losses) and min(losses) <= self._best_loss:
            self._best_epoch += int(np.argmin(losses)) + 1
        self._set_result(loop)

    def after_epoch(self, loop, epoch, logs):
        """Keep the weights of the best epoch, and stop if it lies too far back."""
        if logs["val_loss"] < self._best_loss:
            self._best_loss, self._best_epoch = logs["val_loss"], epoch + 1
            loop.kept["stopping"] = loop.trainer.values()
            self._set_result(loop)
        if epoch + 1 - self._best_epoch >= self._patience:
            loop.finished = True

    def _set_result(self, loop):
        if self._restores:
            loop.result = loop.kept.get("stopping")


class Checkpointing(Observer):
    """Keep the state on disk after every epoch, and resume from it.

    Parameters
    ----------
    checkpoint : Checkpoint
    verbose : {0, 1, 2}
        Whether to print that a training is resumed.
    """

    def __init__(self, checkpoint, verbose):
        self._checkpoint = checkpoint
        self._verbose = verbose

    def on_begin(self, loop):
        """Restore the state of an earlier training, if there is one."""
        checkpoint, state = self._checkpoint, loop.state
        loop.kept, loop.finished = checkpoint.restore(state)
        if self._verbose and state.n_epochs > loop.first:
            rest = ", and none is left" if loop.finished else ""
            print(f"{checkpoint.path}: {state.n_epochs} epochs are done{rest}.")
        if checkpoint.monitor is not None:
            # The best epoch's file follows from the state. It is written at once, so
            # that a folder that cannot be written to is reported before training.
            best = state
            if "saved" in loop.kept:
                epoch = state.best_epoch_by(checkpoint.monitor, loop.first)
                best = state.as_of(epoch, *loop.kept["saved"])
            checkpoint.save_best(best)

    def after_epoch(self, loop, epoch, logs):
        """Write the state, and the classifier if this is the best epoch so far."""
        checkpoint, state = self._checkpoint, loop.state
        state.weights, state.optimizer_state = loop.trainer.values()
        monitor = checkpoint.monitor
        if monitor and state.best_epoch_by(monitor, loop.first) == epoch + 1:
            loop.kept["saved"] = state.weights, state.optimizer_state
            checkpoint.save_best(state)
        checkpoint.save(state, loop.kept, finished=loop.finished)


class AfterEpoch(Observer):
    """Call a function with the state after every epoch.

    Parameters
    ----------
    function : callable
        Takes a Training, a copy.
    """

    def __init__(self, function):
        self._function = function

    def after_epoch(self, loop, epoch, logs):
        """Call the function."""
        self._function(loop.current_state())


class EpochTasks(Observer):
    """Call scikit-learn's callbacks: every epoch is a subtask of the fit.

    The last of the observers: a checkpoint does not record that a callback has stopped
    the training, which is then resumed, as after Ctrl-C.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        The task of the fit.
    estimator : estimator
    data : dict
        X, y and metadata, as callbacks get them.
    fitted_attributes : callable
        Returns the fitted attributes of the estimator for a Training.
    """

    def __init__(self, context, estimator, data, fitted_attributes):
        self._context, self._estimator, self._data = context, estimator, data
        self._fitted_attributes = fitted_attributes
        self._n_tasks = 0

    def on_epoch_begin(self, loop, epoch):
        """Call ``on_fit_task_begin``."""
        # Epochs restored from a checkpoint begin and end without data, so that the ids
        # of tasks count epochs, and a progress bar begins where the fit is resumed.
        while self._n_tasks < epoch - loop.first:
            restored = self._next_task()
            restored.call_on_fit_task_begin(estimator=self._estimator)
            restored.call_on_fit_task_end(estimator=self._estimator)
        self._task = self._next_task()
        self._task.call_on_fit_task_begin(**self._arguments(loop))

    def after_epoch(self, loop, epoch, logs):
        """Call ``on_fit_task_end``, and stop if a callback returns True."""
        loop.finished |= self._task.call_on_fit_task_end(**self._arguments(loop))

    def _next_task(self):
        self._n_tasks += 1
        return self._context.subcontext(task_name="epoch")

    def _arguments(self, loop):
        return {
            "estimator": self._estimator,
            **self._data,
            # Weights are copied only for a callback that asks for a fitted estimator.
            "reconstruction_attributes": lambda: self._fitted_attributes(
                loop.current_state()
            ),
        }


def warn_of_batches(reason, advice):
    """Warn that training is slower than usual, why, and what to do about it."""
    # At this place, not at the caller's, Python's filters show it once per process.
    warnings.warn(
        f"{reason}, so training falls back to one step per call, several times slower. "
        f"{advice}",
        UserWarning,
        stacklevel=1,
    )


def _listed(changed):
    shown = ", ".join(changed[:3])
    return shown if len(changed) <= 3 else f"{shown} and {len(changed) - 3} more"


def _follows_batches(callback):
    savers = keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore
    if isinstance(callback, savers):
        return callback.save_freq != "epoch"
    names = "on_batch_begin", "on_batch_end"
    names += "on_train_batch_begin", "on_train_batch_end"
    return _overrides_hooks(callback, names)


def _overrides_hooks(callback, names):
    base = keras.callbacks.Callback
    return any(
        # LambdaCallback sets its hooks on the instance.
        name in vars(callback) or getattr(type(callback), name) is not vars(base)[name]
        for name in names
    )
