"""Settings that must be made before SciPy, scikit-learn or TensorFlow load."""

import os

# Without it scikit-learn skips its array API check.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One core for each of pytest-xdist's workers: OpenMP's idle threads spin.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
