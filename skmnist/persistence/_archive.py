"""The format of saved files: a line that names it, and an archive of data alone.

The line is ``skmnist <version> format <number> sha256 <digest of all the rest>``. The
archive is a zip of skops's: ``schema.json``, a tree of nodes, and an npy file for each
array. Nothing in it is compressed, so that what loading takes is bounded by the size of
the file. All of it is looked through here before skops builds anything.
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
        "preprocessing.OneHotLabelEncoder",
        "preprocessing.PixelScaler",
    ]
)
# What skops does not trust by itself, and runs no code.
_DATA = frozenset({"numpy.dtype", "sklearn.utils._bunch.Bunch"})
_FUNCTIONS = frozenset(
    {"skmnist.architectures.build_lenet", "skmnist.architectures.build_mlp"}
)
# Estimators that predict in NumPy. Trees, support vectors and neighbours are left to
# compiled code that trusts its arrays.
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
_KEYS = frozenset({"str", "int", "float", "bool"})
_NO_ARRAYS = frozenset({"object_", "void", "bytes_"})


def pack(content):
    """Return the bytes of a file.

    Raises
    ------
    TypeError
        If the content is not of types that skops and this format know.
    """
    from skops.io import dumps

    from skmnist import __version__

    try:
        archive = dumps(content)
    except (TypeError, ValueError):
        raise
    except Exception as error:  # skops fails in many ways
        raise TypeError(f"it cannot be told in data: {error}") from error
    line = f"skmnist {__version__} format {_FORMAT} sha256 ".encode()
    digest = hashlib.sha256(line + archive).hexdigest()
    return line + digest.encode() + b"\n" + archive


def unpack(data):
    """Return the content of a file.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    Exception
        Of many types, if the file is damaged or holds more than data.
    """
    from skops.io import get_untrusted_types, loads

    first = _FIRST_LINE.match(data)
    if not first:
        raise ValueError("it was not written by skmnist.save")
    line, version, number, digest = first.groups()
    if not 1 <= int(number) <= _FORMAT:
        raise ValueError(
            f"it has format {int(number)}, written by skmnist {version.decode()}, and "
            f"this version reads formats 1 to {_FORMAT}: upgrade skmnist"
        )
    archive = data[first.end() :]
    if hashlib.sha256(line + archive).hexdigest() != digest.decode():
        raise ValueError("it is damaged: its checksum is another; get it again")
    _check_members(archive)
    if int(number) == 1:
        archive = _with_current_paths(archive)
    _check_content(archive)
    trusted = sorted(_OWN | _FUNCTIONS | _DATA)
    if unknown := sorted(set(get_untrusted_types(data=archive)) - set(trusted)):
        raise ValueError(f"it names types that are not trusted: {unknown}")
    return loads(archive, trusted=trusted)


def _with_current_paths(data):
    """Return an archive of format 1 with the import paths of format 2.

    Format 1 named classes by the private modules that defined them.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
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
    """Return an archive with the content of one member replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            new.writestr(info, content if info.filename == name else old.read(info))
    return buffer.getvalue()


def _check_members(data):
    """Raise an error unless an archive has only known, uncompressed members."""
    names, size = set(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name = info.filename
            if not _MEMBER.fullmatch(name) or name in names:
                raise ValueError(f"it has the member {name!r}, or has it twice")
            if info.compress_type != zipfile.ZIP_STORED or (
                info.compress_size != info.file_size
            ):
                raise ValueError(f"its member {name} is compressed")
            names.add(name)
            size += info.file_size
    if size > len(data):
        raise ValueError("its members are larger than the file")


def _check_content(data):
    """Raise an error unless an archive holds plain arrays and known nodes only."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_schema(json.loads(archive.read("schema.json")))
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as member:
                    read_array(member, info.file_size, info.filename)


def _check_schema(schema):
    """Raise an error unless every node of a tree is known."""
    if schema["protocol"] < 2:
        raise ValueError("its protocol is one that skmnist never wrote")
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
                # Many nodes for one array would take memory that the file has not.
                owner = node.get("__id__", id(node))
                if owners.setdefault(node["file"], owner) != owner:
                    raise ValueError("it has an array in two places")


def _check_node(node):
    loader = node["__loader__"]
    module, name = node["__module__"], node["__class__"]
    if loader not in _NODES:
        raise ValueError(f"it holds a {loader}")
    if loader == "ObjectNode":
        _check_object(f"{module}.{name}", module, name, node["content"])
    elif loader == "NdArrayNode" and name in _NO_ARRAYS:
        raise ValueError(f"it holds an array of {name}")
    elif loader == "DictNode":
        for key in node["key_types"]["content"]:
            if (key["__loader__"], key["__module__"]) != (
                "TypeNode",
                "builtins",
            ) or key["__class__"] not in _KEYS:
                raise ValueError("it has keys of a strange type")
    elif loader == "RandomStateNode":
        # NumPy reads its state at this position unchecked.
        state = node["content"]["content"]["state"]["content"]
        if not 0 <= json.loads(state["pos"]["content"]) <= 624:
            raise ValueError("it has a random state out of its bounds")


def _check_object(path, module, name, content):
    """Raise an error unless an object is of a known class, with attributes alone."""
    if path not in _OWN and not path.startswith(_SKLEARN):
        raise ValueError(
            f"it holds {path}, which is none of the types that a file may hold"
        )
    cls = getattr(importlib.import_module(module), name)
    if content["__loader__"] != "DictNode":
        raise ValueError(f"it has a {name} without attributes")
    for attribute, value in content["content"].items():
        if callable(getattr(cls, attribute, None)):
            raise ValueError(f"it has a {name} with another {attribute}")
        if attribute == "memory" and value.get("content") != "null":
            raise ValueError(
                f"it has a {name} with memory set, a folder whose files are code: set "
                "memory=None"
            )
