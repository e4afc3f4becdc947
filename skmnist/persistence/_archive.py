"""File format: a header line with a checksum, followed by a skops archive.

The header is ``skmnist <version> format <number> sha256 <digest of everything else>``.
The archive is an uncompressed zip file as written by skops: ``schema.json``, a tree of
nodes, and one npy file per array. Since nothing is compressed, the memory that loading
takes is bounded by the size of the file. Members and nodes are checked here against
lists of what is allowed before skops builds any object.
"""

import hashlib
import importlib
import io
import json
import re
import zipfile

from skmnist._renamed import CURRENT_PATHS
from skmnist.datasets._npy import read_array

_FORMAT = 2
_FIRST_LINE = re.compile(
    rb"(skmnist (\S{1,40}) format (\d{1,9}) sha256 )([0-9a-f]{64})\n"
)
_MEMBER = re.compile(r"schema\.json|\d{1,20}\.npy")
_NODES = frozenset(
    [
        "DTypeNode",
        "DictNode",
        "FunctionNode",
        "JsonNode",
        "ListNode",
        "MaskedArrayNode",
        "NdArrayNode",
        "ObjectNode",
        "RandomStateNode",
        "SetNode",
        "SliceNode",
        "TupleNode",
        "TypeNode",
    ]
)
_OWN = frozenset(
    f"skmnist.{name}"
    for name in [
        "classifiers.KerasImageClassifier",
        "classifiers.KerasMLPClassifier",
        "classifiers.LeNetClassifier",
        "persistence.KerasObject",
        "persistence.Placeholder",
        "preprocessing.ImageFlattener",
        "preprocessing.ImageReshaper",
        "preprocessing.MNISTFormatter",
        "preprocessing.OneHotLabelEncoder",
        "preprocessing.PixelScaler",
    ]
)
# Types that skops does not trust by default, and that run no code.
_DATA = frozenset({"numpy.dtype", "sklearn.utils._bunch.Bunch"})
_FUNCTIONS = frozenset(
    {"skmnist.architectures.build_lenet", "skmnist.architectures.build_mlp"}
)
# Modules whose estimators predict with NumPy. Trees, support vector machines and
# nearest neighbors are excluded: their compiled code does not check the arrays that it
# indexes.
_SKLEARN = tuple(
    f"sklearn.{name}."
    for name in [
        "calibration",
        "compose",
        "decomposition",
        "discriminant_analysis",
        "dummy",
        "ensemble._bagging",
        "ensemble._stacking",
        "ensemble._voting",
        "feature_selection",
        "impute",
        "kernel_approximation",
        "linear_model",
        "multiclass",
        "naive_bayes",
        "neural_network",
        "pipeline",
        "preprocessing",
        "random_projection",
    ]
)
# Types of dictionary keys, and types of arrays that are not plain numbers or text.
_KEYS = frozenset({"str", "int", "float", "bool"})
_NO_ARRAYS = frozenset({"object_", "void", "bytes_"})


def pack(content):
    """Return the content of a file as bytes.

    Raises
    ------
    TypeError, ValueError
        If skops cannot serialize the content.
    """
    from skops.io import dumps

    from skmnist import __version__

    try:
        archive = dumps(content)
    except (TypeError, ValueError):
        raise
    except Exception as error:  # skops raises many types
        raise TypeError(f"it cannot be serialized: {error}") from error
    line = f"skmnist {__version__} format {_FORMAT} sha256 ".encode()
    digest = hashlib.sha256(line + archive).hexdigest()
    return line + digest.encode() + b"\n" + archive


def unpack(data):
    """Return the content that `pack` serialized.

    Parameters
    ----------
    data : bytes
        Content of the whole file.

    Raises
    ------
    Exception
        If the file is damaged or contains more than data. Damaged archives make
        zipfile, json and skops raise many types.
    """
    from skops.io import get_untrusted_types, loads

    first = _FIRST_LINE.match(data)
    if not first:
        raise ValueError("the file was not written by skmnist.save")
    line, version, number, digest = first.groups()
    if not 1 <= int(number) <= _FORMAT:
        raise ValueError(
            f"the file has format {int(number)}, written by skmnist "
            f"{version.decode()}, but this version reads formats 1 to {_FORMAT}; "
            "upgrade skmnist"
        )
    archive = data[first.end() :]
    if hashlib.sha256(line + archive).hexdigest() != digest.decode():
        raise ValueError(
            "the file is damaged, its checksum does not match; obtain it again"
        )
    # The checksum detects accidental changes only; an attacker can recompute it. The
    # members are checked before the schema is parsed: a compressed or overlapping
    # member could expand to far more memory than the size of the file.
    _check_members(archive)
    if int(number) == 1:
        archive = _with_current_paths(archive)
    _check_content(archive)
    trusted = sorted(_OWN | _FUNCTIONS | _DATA)
    if unknown := sorted(set(get_untrusted_types(data=archive)) - set(trusted)):
        raise ValueError(f"the file contains types that are not trusted: {unknown}")
    return loads(archive, trusted=trusted)


def _with_current_paths(data):
    """Return an archive of format 1 converted to the import paths of format 2.

    Format 1 referred to classes by the private modules that defined them.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
    # A list of pending nodes, not recursion, whose depth the file would determine.
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            pending += node.values()
            path = f"{node.get('__module__')}.{node.get('__class__')}"
            if path in CURRENT_PATHS:
                module, _, name = CURRENT_PATHS[path].rpartition(".")
                node["__module__"], node["__class__"] = module, name
    return _with_member(data, "schema.json", json.dumps(schema))


def _with_member(data, name, content):
    """Return a copy of an archive with the content of one member replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            new.writestr(info, content if info.filename == name else old.read(info))
    return buffer.getvalue()


def _check_members(data):
    """Raise ValueError unless all members are expected, unique and uncompressed."""
    names, size = set(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name = info.filename
            if not _MEMBER.fullmatch(name):
                raise ValueError(f"the archive has an unexpected member {name!r}")
            if name in names:
                raise ValueError(f"the archive has a duplicate member {name!r}")
            if info.compress_type != zipfile.ZIP_STORED or (
                info.compress_size != info.file_size
            ):
                raise ValueError(f"the archive member {name} is compressed")
            names.add(name)
            size += info.file_size
    # Entries of the zip directory may overlap, and read the same bytes many times.
    if size > len(data):
        raise ValueError("the archive members are larger than the file")


def _check_content(data):
    """Raise an exception unless the archive has only plain arrays and allowed nodes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_schema(json.loads(archive.read("schema.json")))
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as member:
                    read_array(member, info.file_size, info.filename)


def _check_schema(schema):
    """Raise an exception unless every node of the tree is allowed."""
    if schema["protocol"] < 2:
        raise ValueError("the skops protocol is older than any that skmnist wrote")
    owners = {}
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            pending += node.values()
            if "__loader__" in node:
                _check_node(node)
            if "file" in node and isinstance(node["file"], str):
                # skops reads an array once for each node: thousands of references to
                # one array would take far more memory than the file has bytes.
                owner = node.get("__id__", id(node))
                if owners.setdefault(node["file"], owner) != owner:
                    raise ValueError("two nodes refer to the same array")


def _check_node(node):
    """Raise an exception unless a node is of an allowed type."""
    loader = node["__loader__"]
    module, name = node["__module__"], node["__class__"]
    if loader not in _NODES:
        raise ValueError(f"the node type {loader} is not allowed")
    if loader == "ObjectNode":
        _check_object(f"{module}.{name}", module, name, node["content"])
    elif loader == "NdArrayNode" and name in _NO_ARRAYS:
        raise ValueError(f"arrays of {name} are not allowed")
    elif loader == "DictNode":
        for key in node["key_types"]["content"]:
            if (key["__loader__"], key["__module__"]) != (
                "TypeNode",
                "builtins",
            ) or key["__class__"] not in _KEYS:
                raise ValueError("a dictionary has keys of a type that is not allowed")
    elif loader == "RandomStateNode":
        # NumPy reads the state array at this position without a bounds check.
        state = node["content"]["content"]["state"]["content"]
        if not 0 <= json.loads(state["pos"]["content"]) <= 624:
            raise ValueError("the position of a random state is out of bounds")


def _check_object(path, module, name, content):
    """Raise an exception unless an object has an allowed class and plain attributes."""
    if path not in _OWN and not path.startswith(_SKLEARN):
        raise ValueError(f"{path} is not among the types that a saved file may contain")
    cls = getattr(importlib.import_module(module), name)
    if content["__loader__"] != "DictNode":
        raise ValueError(f"the state of a {name} is not a dictionary of attributes")
    for attribute, value in content["content"].items():
        # An attribute of the same name would replace the method.
        if callable(getattr(cls, attribute, None)):
            raise ValueError(f"the method {attribute} of a {name} is overwritten")
        if attribute == "memory" and value.get("content") != "null":
            raise ValueError(
                f"the memory of a {name} is set to a directory, whose files are "
                "pickles and can run code; set memory=None"
            )
