import subprocess
import sys

import pytest

from skmnist.cli._grid import fit_grid, parse_grid


@pytest.mark.parametrize(
    ("item", "values"),
    [
        ("epochs=5", [5]),
        ("epochs= 5 , 10", [5, 10]),
        ("l2=0,1e-4,.5,-1.", [0, 0.0001, 0.5, -1.0]),
        ("early_stopping=true,False", [True, False]),
        ("class_weight=none,balanced", [None, "balanced"]),
        ("hidden_layer_sizes=200x100,100,50x50", [(200, 100), 100, (50, 50)]),
        ("dtype=mixed_bfloat16", ["mixed_bfloat16"]),
        ("x=1,true", [1, True]),
    ],
)
def test_parse_grid_keeps_types_and_order(item, values):
    (parsed,) = parse_grid([item]).values()
    assert parsed == values
    assert [type(v) for v in parsed] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([], "is empty"),
        (["epochs"], "name=value"),
        (["=5"], "name=value"),
        (["a-b=5"], "name=value"),
        (["__class__=5"], "name=value"),
        (["epochs="], "empty value of epochs"),
        (["epochs=5,,10"], "empty value"),
        (["epochs=5,5"], "epochs has the value '5' twice"),
        (["epochs=5,5.0"], "epochs has the value '5.0' twice"),
        (["epochs=5", "epochs=10"], "epochs twice"),
        (["l2=nan"], "'nan' of l2"),
        (["l2=1e999"], "cannot be read"),
        (["l2=1_000"], "cannot be read"),
        (["l2=٣"], "cannot be read"),
        (["h=0x10"], "cannot be read"),
        (["h=10x"], "cannot be read"),
        (["h=(1;2)"], "cannot be read"),
        (["h=" + "9" * 19], "too large"),
        (["h=5x" + "9" * 1990], "too large"),
        (["h=" + "9" * 2000], "longer than"),
        (["h=" + "é" * 1990], "cannot be read"),
        (["n" * 1000 + "=nan"], "cannot be read"),
        (["h=" + ",".join(map(str, range(101)))], "more than 100 values"),
        ([f"{n}=" + ",".join(map(str, range(100))) for n in "abc"], "10,000 points"),
    ],
)
def test_parse_grid_refuses_invalid_items(items, sentence):
    with pytest.raises(ValueError) as caught:
        parse_grid(items)
    message = str(caught.value)
    assert sentence in message
    assert len(message) < 200


def test_fit_grid_makes_sizes_tuples():
    grid = {"filters": [8, (8, 16)], "epochs": [1, 2]}
    fitted = fit_grid(grid, {"filters": (32, 64), "epochs": 5})
    assert fitted == {"filters": [(8,), (8, 16)], "epochs": [1, 2]}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("epoch", "did you mean epochs?"),
        ("momentum", "it has epochs, l2"),
        ("verbose", "no hyperparameter verbose"),
    ],
)
def test_fit_grid_refuses_unknown_parameters(name, sentence):
    with pytest.raises(ValueError, match=r"has no") as caught:
        fit_grid({name: [1]}, {"epochs": 5, "l2": 0.0, "verbose": 0})
    assert sentence in str(caught.value)


def test_grid_parser_does_not_import_numpy_or_keras():
    code = (
        "import sys, skmnist.cli._grid\n"
        "print({'numpy', 'sklearn', 'keras', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"
