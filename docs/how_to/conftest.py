"""The folder in which the recipes run, and the files that they read."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skmnist import load_digits28


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = load_digits28()
    for number, (image, label) in enumerate(
        zip(digits.images[:60], digits.target[:60], strict=True)
    ):
        os.makedirs(f"my_digits/{label}", exist_ok=True)
        Image.fromarray(image).save(f"my_digits/{label}/{number}.png")
    pixels = pd.DataFrame(digits.data, columns=[f"pixel{i}" for i in range(784)])
    train = pixels[:200].assign(label=digits.target[:200])
    train[["label", *pixels]].to_csv("train.csv", index=False)
    pixels[200:220].to_csv("test.csv", index=False)
    paper = np.full((300, 200), 230, np.uint8)
    paper[60:240, 95:110] = 40
    Image.fromarray(paper).save("photo.png")
