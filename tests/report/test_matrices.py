import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from skmnist.report._matrices import confusion_matrix_height, draw_confusion_matrix


def drawn(classes):
    """Return the axes of a drawn confusion matrix."""
    counts = np.full((len(classes), len(classes)), 7)
    height = confusion_matrix_height(classes)
    figure = Figure(figsize=(6, height), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    draw_confusion_matrix(ax, counts, classes, "image")
    figure.canvas.draw()
    return ax


def texts(labels):
    return [label.get_text() for label in labels]


def test_two_classes_have_all_labels_and_counts():
    ax = drawn(["no", "yes"])
    assert texts(ax.get_xticklabels()) == texts(ax.get_yticklabels()) == ["no", "yes"]
    assert texts(ax.texts) == ["7"] * 4


@pytest.mark.parametrize(
    "classes",
    [
        range(10),
        range(20),
        range(60),
        range(200),
        [f"{name}{i}" for name in ("cat", "dog", "owl") for i in range(3)],
        [f"handwritten_digit_{i}" for i in range(10)],
        [f"handwritten_digit_{i}" for i in range(60)],
    ],
    ids=lambda classes: f"{len(classes)} {classes[-1]}",
)
def test_labels_of_classes_do_not_overlap(classes):
    ax = drawn(classes)
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        for one, other in zip(boxes, boxes[1:], strict=False):
            assert not one.overlaps(other)


def test_counts_do_not_leave_their_cells():
    ax = drawn([f"handwritten_digit_{i}" for i in range(20)])
    cell = ax.get_window_extent().width / 20
    assert len(ax.texts) == 400
    assert max(text.get_window_extent().width for text in ax.texts) < cell


def test_of_sixty_classes_every_second_has_a_label_and_none_a_count():
    ax = drawn([f"digit {i}" for i in range(60)])
    assert len(ax.texts) == 0
    expected = [f"digit {i}" for i in range(0, 60, 2)]
    assert texts(ax.get_xticklabels()) == texts(ax.get_yticklabels()) == expected
    assert list(ax.get_xticks()) == list(range(0, 60, 2))
