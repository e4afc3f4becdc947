"""Know data again: shape, dtype and SHA-256."""

import hashlib

import numpy as np
import pandas as pd
from scipy import sparse


def fingerprint(data):
    """Return what tells data from other data.

    Parameters
    ----------
    data : array-like, DataFrame or sparse matrix

    Returns
    -------
    print : dict
        "shape", "dtype" and "sha256": of an array's bytes in C order; of the text of
        objects; of a DataFrame's hashes of rows; of a sparse matrix's three arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.diagnosis._fingerprint import fingerprint
    >>> fingerprint(np.zeros((2, 3), dtype=np.uint8))["sha256"][:8]
    'b0f66adc'
    """
    if sparse.issparse(data):
        data = data.tocsr()
        parts, dtype = [data.data, data.indices, data.indptr], str(data.dtype)
    elif isinstance(data, pd.DataFrame | pd.Series):
        parts = [pd.util.hash_pandas_object(data, index=False).to_numpy()]
        dtypes = [data.dtype] if isinstance(data, pd.Series) else data.dtypes.unique()
        dtype = ", ".join(sorted(map(str, dtypes)))
    else:
        data = np.asarray(data)
        parts, dtype = [data], str(data.dtype)
        if data.dtype.kind == "O":
            parts = [np.frombuffer("\0".join(map(str, data.ravel())).encode(), "u1")]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
    return {
        "shape": list(data.shape),
        "dtype": dtype,
        "sha256": digest.hexdigest(),
    }
