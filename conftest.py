"""Settings of the process, made before SciPy, scikit-learn or TensorFlow load."""

import os
import signal

# Without it scikit-learn skips its array API check.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One core for each of pytest-xdist's workers: OpenMP's idle threads spin.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Under KERAS_BACKEND=jax, for the tests of dtype="float64".
os.environ.setdefault("JAX_ENABLE_X64", "1")
# What a script starts in the background ignores Ctrl-C, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Studies are scripts that run for hours, not modules with examples; Sphinx writes the
# gallery's pages.
collect_ignore = ["docs/studies", "docs/auto_examples"]
# Tests run these, where the packages that they import are installed.
collect_ignore_glob = ["docs/coming_from/*.py", "docs/how_to/onnx_export.py"]
