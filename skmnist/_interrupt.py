"""End fits that run in other threads, which Ctrl-C does not reach.

Python raises KeyboardInterrupt in the main thread alone. Fits in other threads look
here, between two blocks of batches, whether they are to end, too.
"""

import contextlib
import contextvars
import threading


class FitGroup:
    """Fits, in any threads, that can be interrupted together.

    A group also ends with the group in whose fit it was made.
    """

    def __init__(self):
        self._outer = _current.get(None)
        self._owner = threading.get_ident()
        self._stopping = False
        self._running = []
        self._changed = threading.Condition()

    def __reduce__(self):
        # For a task that is sent to another process, which is ended as a whole.
        return FitGroup, ()

    @property
    def stopping(self):
        """Whether the fits are to end."""
        return self._stopping or (self._outer is not None and self._outer.stopping)

    @property
    def in_other_thread(self):
        """Whether this thread is another one than that in which the group was made."""
        return threading.get_ident() != self._owner

    @contextlib.contextmanager
    def member(self):
        """Let what this thread trains belong to the group."""
        thread = threading.get_ident()
        before = _current.set(self)
        try:
            with self._changed:
                self._running.append(thread)
            yield
        finally:
            _current.reset(before)
            with self._changed:
                if thread in self._running:
                    self._running.remove(thread)
                self._changed.notify_all()

    def stop(self):
        """Interrupt the fits of other threads, also later ones, and wait for them."""
        self._stopping = True
        own = {threading.get_ident()}
        with self._changed:
            self._changed.wait_for(lambda: own.issuperset(self._running))

    @contextlib.contextmanager
    def stopped(self):
        """Interrupt all fits until the exit of this context."""
        self._stopping = True
        yield
        # Not after a second Ctrl-C: fits may still run while the process ends.
        self._stopping = False


_current = contextvars.ContextVar("group")
#: Fits that belong to no other group.
ungrouped = FitGroup()


def current_group():
    """Return the group of what this thread trains."""
    return _current.get(ungrouped)


def check_interrupt():
    """Raise KeyboardInterrupt if the fits of this thread's group are to end."""
    if current_group().stopping:
        raise KeyboardInterrupt
