import base64
import csv
import io
import json
import re
import struct
import subprocess
import sys
from datetime import datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import diagnose_fit
from skmnist.report import FILES, render_html, write_report
from skmnist.report._card import render_diagnosis_card
from skmnist.report._figures import Drawing, drawings_of

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', r"$\frac{$"]
# Budget, accuracy, loss, learning and capacity curve, confusions, calibration.
N_FIGURES = 7
SCORES = [
    f"{side}_{score}"
    for score in ("loss", "accuracy", "balanced_accuracy")
    for side in ("train", "validation")
]


def estimate(value, low, high):
    return SimpleNamespace(value=value, low=low, high=high)


def fake_diagnosis(**changes):
    """Return what the report reads of a FitDiagnosis, with 2 folds of 3 epochs."""
    rng = np.random.default_rng(0)
    folds = pd.DataFrame(rng.uniform(0.8, 0.99, (2, 6)), columns=SCORES)
    folds = folds.assign(fold=[0, 1], n_train=100, n_validation=50, fit_time=0.5)
    epochs = pd.DataFrame(rng.uniform(0.8, 0.99, (6, 4)), columns=SCORES[:4])
    epochs.loc[[2, 5]] = folds[SCORES[:4]].to_numpy()
    epochs = epochs.assign(fold=[0, 0, 0, 1, 1, 1], epoch=[1, 2, 3] * 2)
    # As in practice, the second fold is a sample larger.
    curve = pd.DataFrame(
        {
            "train_size": [20, 100, 21, 101],
            "fold": [0, 0, 1, 1],
            "train_accuracy": [1.0, 0.99, 1.0, 0.98],
            "validation_accuracy": [0.8, 0.9, 0.82, 0.91],
        }
    )
    summary = pd.DataFrame({"mean": folds[SCORES[:4]].mean(), "low": 0.1, "high": 1.0})
    finding = SimpleNamespace(
        code="FIT03",
        title="Generalisation gap",
        sentence="The validation error is 5 points above the training error.",
        evidence={"gap": np.float64(0.051234), "harmful": False},
        advice="Stop earlier.",
        severity="issue",
    )
    values = {
        "verdict": "overfit",
        "sentence": "The model overfits: its gap is 5.00 points (3.00 to 7.00).",
        "findings": [finding],
        "reference": "RBF-SVC",
        "tolerance": 0.02,
        "extrapolation": None,
        "n_samples": 150,
        "classes": np.array([3, 5, 8]),
        "bias": estimate(-0.01, -0.02, 0.0),
        "gap": estimate(0.05, 0.03, 0.07),
        "errors": {
            "reference": estimate(0.02, 0.01, 0.03),
            "train": estimate(0.01, 0.005, 0.02),
            "validation": estimate(0.0612, 0.05, 0.08),
        },
        "folds": folds,
        "epochs": epochs,
        "summary": summary,
        "learning_curve": curve,
        "capacity_curve": pd.DataFrame(
            {
                "value": ["(5,)", "(5,)", "(50,)", "(50,)"],
                "fold": [0, 1, 0, 1],
                "train_accuracy": [0.9, 0.92, 0.99, 1.0],
                "validation_accuracy": [0.85, 0.87, 0.9, 0.92],
            }
        ),
        "calibration": pd.DataFrame(
            {"probability": [0.5, 0.9], "accuracy": [0.4, 0.95], "n": [75, 75]}
        ),
        "confusion_matrix": np.array([[48, 1, 1], [0, 50, 0], [2, 0, 48]]),
        "per_class": pd.DataFrame(
            {
                "class": [3, 5, 8],
                "n": 50,
                "error": [0.04, 0.0, 0.04],
                "low": [0.01, 0.0, 0.01],
                "high": [0.15, 0.07, 0.15],
                "precision": [0.96, np.nan, 0.98],
                "worse": [True, False, False],
            }
        ),
        "mistakes": pd.DataFrame(
            {
                "row": [7, 2],
                "y_true": [8, 3],
                "y_pred": [3, 5],
                "probability": [0.99, 0.7],
                "split": [0, 1],
            }
        ),
        "suspect_labels": pd.DataFrame(
            {
                "row": [9],
                "y_true": [8],
                "y_suggested": [5],
                "probability_true": [0.001],
                "probability_suggested": [0.98],
                "split": [1],
            }
        ),
        "suspect_images": np.zeros((1, 8, 8), dtype=np.uint8),
        "mistake_images": np.arange(2 * 64, dtype=np.uint8).reshape(2, 8, 8),
        "configuration": {},
        "ignore": (),
        "data": {
            "X": {"shape": [150, 64], "dtype": "uint8", "sha256": "ab" * 32},
            "y": {"shape": [150], "dtype": "int64", "sha256": "cd" * 32},
        },
        "to_dict": lambda: {"verdict": "overfit"},
    }
    return SimpleNamespace(**(values | changes))


class Page(HTMLParser):
    """Collects what a page shows and refers to."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.images, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.links += [attrs[k] for k in ("src", "href", "srcset") if k in attrs]
        if tag == "img":
            self.images.append(attrs)

    def handle_data(self, data):
        self.text += data


def spaced(html):
    """Return the text of a page with single spaces, also in place of tags."""
    text = re.sub(r"</?bdi>", "", html)
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(unescape(text).split())


def dots_per_inch(png):
    """Read the density from a PNG's pHYs chunk (dots per metre)."""
    at = png.index(b"pHYs")
    x, y, unit = struct.unpack(">IIB", png[at + 4 : at + 13])
    assert (x, unit) == (y, 1)
    return x * 0.0254


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    configuration = {"Model": "KerasMLPClassifier(epochs=3)", "data": "digits"}
    paths = write_report(
        fake_diagnosis(),
        folder,
        command="skmnist diagnose --epochs 3",
        configuration=configuration,
    )
    return folder, paths


@pytest.fixture
def low_resolution(monkeypatch):
    """Draw small figures, for tests of other things."""
    monkeypatch.setattr("skmnist.report._figures._DPI", 50)


@pytest.mark.slow
def test_write_report_writes_all_files(written):
    folder, paths = written
    assert [path.name for path in paths] == list(FILES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert all(path.stat().st_size > 0 for path in paths)


def test_figures_are_png_with_300_dpi(written):
    folder, _ = written
    figures = sorted(folder.glob("*.png"))
    assert len(figures) == 4
    for figure in figures:
        content = figure.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert dots_per_inch(content) == pytest.approx(300, abs=0.5)
        assert struct.unpack(">II", content[16:24]) == (1800, 1200)


def test_results_csv_is_the_fold_table(written):
    rows = list(csv.DictReader(io.StringIO((written[0] / "results.csv").read_text())))
    assert [row["fold"] for row in rows] == ["0", "1"]
    expected = fake_diagnosis().folds["validation_accuracy"][1]
    assert float(rows[1]["validation_accuracy"]) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cv", "shown"), [(3, "3"), ([([0, 1], [2, 3])], "splits of the caller&#39;s")]
)
def test_page_shows_estimator_and_cv(cv, shown):
    X, y = np.arange(8.0).reshape(-1, 1), np.array([0, 1] * 4)
    forest = RandomForestClassifier(3, random_state=1)
    page = render_html(diagnose_fit(forest, X, y, cv=cv, reference=0.1))
    assert "RandomForestClassifier(n_estimators=3, random_state=1)" in page
    assert f'<th scope="row">cv</th><td>{shown}</td>' in page


def test_page_has_model_data_and_date_in_its_head(written):
    html = (written[0] / "report.html").read_text()
    head = spaced(html.partition("<header>")[2].partition("</header>")[0])
    assert "Model KerasMLPClassifier(epochs=3)" in head
    assert "Data 150 images of 64 pixels, uint8 (digits)" in head
    date = json.loads((written[0] / "diagnosis.json").read_text())["date"]
    assert datetime.fromisoformat(date).utcoffset() == timedelta(0)
    assert f'<time datetime="{date}">{date[:10]} {date[11:19]} UTC</time>' in html


def test_verdict_is_the_heading_of_the_page(written):
    html = (written[0] / "report.html").read_text()
    assert re.findall("<h1[^>]*>(.*?)</h1>", html) == ["overfit"]
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.usefixtures("low_resolution")
def test_page_mentions_restored_epoch_of_early_stopping(written):
    assert "went back" not in (written[0] / "report.html").read_text()
    folds = fake_diagnosis().folds.assign(validation_loss=[0.1, 0.2])
    assert "went back to the best epoch" in render_html(fake_diagnosis(folds=folds))


@pytest.mark.usefixtures("low_resolution")
def test_page_says_samples_if_data_are_not_images(written):
    data = {"X": {"shape": [150, 4], "dtype": "float64", "sha256": "ab" * 32}}
    html = render_html(fake_diagnosis(mistake_images=None, data=data))
    text = Page(html.partition("</style>")[2]).text
    assert "image" not in text.lower()
    assert "on samples the model was trained on" in text
    assert "150 images" in Page((written[0] / "report.html").read_text()).text


def test_page_shows_long_pipeline_in_full():
    scalers = [StandardScaler(with_mean=False) for _ in range(25)]
    pipeline = make_pipeline(*scalers, GaussianNB())
    X, y = np.arange(8.0).reshape(-1, 1), np.array([0, 1] * 4)
    page = render_html(diagnose_fit(pipeline, X, y, cv=3, reference=0.1))
    head, _, rest = page.partition("</header>")
    assert rest.count("StandardScaler(with_mean=False)") == 25
    assert re.search(r"<dd>Pipeline.* … .*GaussianNB\(\)", head)


@pytest.mark.slow
def test_json_contains_diagnosis_command_and_configuration(written):
    record = json.loads((written[0] / "diagnosis.json").read_text())
    assert record["verdict"] == "overfit"
    assert record["command"] == "skmnist diagnose --epochs 3"
    assert record["configuration"]["Model"] == "KerasMLPClassifier(epochs=3)"
    assert record["versions"]["scikit-learn"]


def test_page_shows_verdict_numbers_findings_and_command(written):
    text = Page((written[0] / "report.html").read_text()).text
    for expected in (
        "The model overfits: its gap is 5.00 points (3.00 to 7.00).",
        "6.12\xa0% 5.00 to 8.00",
        "Reference, RBF-SVC",
        "FIT03",
        "0.05123",
        "Stop earlier.",
        "skmnist diagnose --epochs 3",
        "KerasMLPClassifier(epochs=3)",
    ):
        assert expected in text


def test_page_is_self_contained(written):
    html = (written[0] / "report.html").read_text()
    page = Page(html)
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "@import" not in html
    assert "url(" not in html


def embedded(image):
    return base64.b64decode(image["src"].partition(",")[2], validate=True)


def test_page_images_are_valid_png_with_alt_text(written):
    images = Page((written[0] / "report.html").read_text()).images
    assert len(images) == N_FIGURES + 3
    for image in images:
        png = embedded(image)
        assert png.startswith(b"\x89PNG")
        assert png.rstrip().endswith(b"IEND\xaeB`\x82")
        assert image["alt"]


def test_page_embeds_the_figure_files(written):
    folder, _ = written
    images = Page((folder / "report.html").read_text()).images
    content = [embedded(image) for image in images]
    figures = [png for png in content if b"pHYs" in png]
    assert len(figures) == N_FIGURES
    assert all(dots_per_inch(png) == pytest.approx(300, abs=0.5) for png in figures)
    for figure in folder.glob("*.png"):
        assert figure.read_bytes() in content


def test_drawing_is_drawn_once():
    drawn = []
    drawing = Drawing(drawn.append, "A description")
    assert drawing.png is drawing.png
    assert len(drawn) == 1


@pytest.mark.usefixtures("low_resolution")
def test_html_is_escaped():
    finding = SimpleNamespace(
        code="FIT03",
        title=HOSTILE[0],
        sentence=HOSTILE[1],
        evidence={HOSTILE[0]: HOSTILE[1]},
        advice=HOSTILE[0],
        severity="tip",
    )
    diagnosis = fake_diagnosis(
        classes=np.array(HOSTILE),
        reference=HOSTILE[0],
        sentence=HOSTILE[1],
        findings=[finding],
    )
    page = Page(
        render_html(diagnosis, command=HOSTILE[0], configuration={HOSTILE[1]: HOSTILE})
    )
    assert "script" not in page.tags
    assert len(page.images) == N_FIGURES + 3
    assert HOSTILE[0] in page.text


def test_report_without_epochs_and_learning_curve(tmp_path):
    (tmp_path / "learning_curve.png").write_text("of an earlier report")
    diagnosis = fake_diagnosis(
        epochs=None, learning_curve=None, capacity_curve=None, findings=[]
    )
    paths = write_report(diagnosis, tmp_path)
    assert {path.name for path in paths} == set(FILES) - {"learning_curve.png"}
    assert not (tmp_path / "learning_curve.png").exists()
    assert "of each fold" in (tmp_path / "report.html").read_text()


def test_report_without_probabilities_has_no_loss(tmp_path, digits):
    diagnosis = diagnose_fit(RidgeClassifier(), *digits, cv=2, reference=0.02)
    paths = write_report(diagnosis, tmp_path)
    left_out = {"loss.png", "learning_curve.png"}
    assert {path.name for path in paths} == set(FILES) - left_out
    json.loads((tmp_path / "diagnosis.json").read_text(), parse_constant=pytest.fail)
    assert "nan" not in Page((tmp_path / "report.html").read_text()).text


def test_css_is_scoped(written):
    html = (written[0] / "report.html").read_text()
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    style = re.sub(r"/\*.*?\*/|@media[^{]*{", "", style, flags=re.S)
    selectors = re.findall(r"([^{}]+){[^{}]*}", style)
    assert selectors
    for selector in ",".join(selectors).split(","):
        assert ".skmnist" in selector


@pytest.mark.usefixtures("low_resolution")
def test_other_files_in_folder_are_kept(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "loss.png").write_text("of an earlier report")
    write_report(fake_diagnosis(), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("low_resolution")
def test_failed_write_keeps_earlier_file(tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("earlier")

    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr("skmnist._atomic.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(fake_diagnosis(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "earlier"


@pytest.mark.usefixtures("low_resolution")
def test_page_of_sixty_classes_lists_the_most_confused_pairs():
    counts = np.diag(np.full(60, 90))
    counts[7, 3], counts[11, 12] = 10, 5
    counts[20:60, 0] = 1
    names = np.array([f"handwritten_digit_{i}" for i in range(60)])
    html = render_html(fake_diagnosis(classes=names, confusion_matrix=counts))
    text = spaced(html)
    assert "The 20 most frequent of 42 pairs of a true and a predicted class" in text
    assert "60 % of all mistakes" in text  # 10 + 5 + 18 of 55
    assert "With 60 classes, the figure has no room for the counts" in text
    assert "labels one class in 2" in text
    assert "handwritten_digit_7 handwritten_digit_3 10 10.0 18.2" in text
    (matrix,) = [i for i in Page(html).images if "by true and predicted" in i["alt"]]
    assert matrix["height"] == "600"
    assert embedded(matrix)[16:24] == struct.pack(">II", 300, 300)


@pytest.mark.usefixtures("low_resolution")
def test_page_of_few_classes_lists_all_confused_pairs(written):
    text = spaced((written[0] / "report.html").read_text())
    assert "most frequent of" not in text
    assert "8 3 2 4.0 50.0" in text
    assert "no room for the counts" not in text


@pytest.mark.usefixtures("low_resolution")
def test_page_explains_the_numbers_of_names_without_a_font(monkeypatch):
    monkeypatch.setattr("skmnist.displays._names._installed_fonts", tuple)
    names = np.array(["eight", "三", "五"])
    html = render_html(fake_diagnosis(classes=names))
    assert "class 2 is <bdi>三</bdi>, class 3 is <bdi>五</bdi>." in html
    assert '<meta charset="utf-8">' in html
    assert "cannot be drawn" not in render_html(fake_diagnosis())


@pytest.mark.usefixtures("low_resolution")
def test_page_marks_classes_proven_worse():
    text = spaced(render_html(fake_diagnosis()))
    section = text.partition("Error of each class")[2].partition("How to read")[0]
    assert "1 of 3 classes is proven worse than the other classes." in section
    assert "3 50 4.00 1.00 to 15.00 96.00 96.00 worse than the others" in section
    assert "5 50 0.00 0.00 to 7.00 100.00 – 8 50" in section
    never = fake_diagnosis().per_class.assign(error=[1.0, 0.0, 0.0])
    text = spaced(render_html(fake_diagnosis(per_class=never)))
    assert "0.00 96.00 never recognised" in text


@pytest.mark.usefixtures("low_resolution")
def test_page_shows_suspect_labels():
    html = render_html(fake_diagnosis())
    assert 'alt="Image 9: labelled 8, probably 5"' in html
    assert "The 1 most suspect of 1." in spaced(html)
    table = spaced(render_html(fake_diagnosis(suspect_images=None)))
    assert "Row Label given Suggested class Probability, % 9 8 5 98.00" in table
    none = fake_diagnosis().suspect_labels.head(0)
    diagnosis = fake_diagnosis(suspect_labels=none, suspect_images=None)
    assert "probably wrong" not in render_html(diagnosis)


@pytest.mark.usefixtures("low_resolution")
def test_page_lists_worst_of_many_classes():
    many = pd.DataFrame(
        {
            "class": np.arange(100),
            "n": 10,
            "error": np.arange(100) / 100,
            "low": 0.0,
            "high": 1.0,
            "precision": 0.5,
            "worse": np.arange(100) == 98,
        }
    )
    diagnosis = fake_diagnosis(
        per_class=many,
        classes=np.arange(100),
        confusion_matrix=np.eye(100, dtype=int),
    )
    text = spaced(render_html(diagnosis))
    section = text.partition("Error of each class")[2].partition("How to read")[0]
    assert "The table shows the 20 classes with the highest error." in section
    assert section.index("98 10 98.00") < section.index("99 10 99.00")
    assert "79 10 79.00" not in section


@pytest.mark.usefixtures("low_resolution")
def test_names_of_classes_have_their_own_direction():
    """A name in Arabic would reverse the punctuation and numbers after it."""
    mistakes = fake_diagnosis().mistakes.assign(y_true="صفر", y_pred="(واحد)")
    classes = np.array(["صفر", "واحد", "ا"])
    diagnosis = fake_diagnosis(classes=classes, mistakes=mistakes)
    for html in (
        render_html(diagnosis),
        render_html(SimpleNamespace(**vars(diagnosis) | {"mistake_images": None})),
    ):
        section = html.partition("Most frequent confusions")[2].partition("<details")[0]
        section = re.sub('alt="[^"]*"', "", section)
        assert section.count("صفر") == section.count("<bdi>صفر</bdi>") > 2
        assert "<bdi>(واحد)</bdi>" in section


@pytest.fixture(scope="module")
def card():
    return render_diagnosis_card(fake_diagnosis())


def test_card_shows_verdict_numbers_findings_and_the_error_budget(card):
    text = spaced(card)
    for expected in (
        "overfit",
        "The model overfits: its gap is 5.00 points (3.00 to 7.00).",
        "Training error, on images the model was trained on: 1.00 % 0.50 to 2.00",
        "Validation error, on new images: 6.12 % 5.00 to 8.00",
        "Reference, RBF-SVC: 2.00 % 1.00 to 3.00",
        "Generalisation gap FIT03",
        "Stop earlier.",
        "150 images, 3 classes.",
    ):
        assert expected in text
    (image,) = Page(card).images
    assert image["alt"] == drawings_of(fake_diagnosis())["error_budget"].description
    assert embedded(image).startswith(b"\x89PNG")


def test_card_is_a_small_self_contained_part_of_a_page(card):
    page = Page(card)
    assert card.startswith("<div")
    assert card.endswith("</div>")
    assert len(card) < 150_000
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    refused = {"html", "head", "body", "script", "link", "iframe", "details"}
    # A notebook lists headings in its table of contents.
    assert not (refused | {"h1", "h2", "h3"}) & set(page.tags)
    assert "@import" not in card
    assert "url(" not in card


def test_card_has_the_colours_of_the_notebook(card):
    style = re.search(r"<style>(.*?)</style>", card, re.S)[1]
    assert "prefers-color-scheme" not in style
    for role, names in {
        "page": ("--jp-layout-color1", "--vscode-editor-background"),
        "text": ("--jp-ui-font-color1", "--vscode-editor-foreground"),
    }.items():
        value = re.search(rf"--{role}: (.*);", style)[1]
        assert all(name in value for name in names)
        assert "#" in value  # where the notebook has no such variable
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.S)
    for selector in re.findall(r"([^{}]+){[^{}]*}", style):
        for part in re.split(r",(?![^(]*\))", selector):
            # More specific than the notebook's `.jp-RenderedHTMLCommon tbody tr`.
            assert part.strip().startswith(".skmnist-card.skmnist-card")


def test_card_is_escaped():
    hostile = fake_diagnosis(sentence=HOSTILE[1], reference=HOSTILE[0])
    page = Page(render_diagnosis_card(hostile))
    assert "script" not in page.tags
    assert len(page.images) == 1
    assert HOSTILE[0] in page.text


@pytest.mark.usefixtures("low_resolution")
def test_report_does_not_change_rcparams(tmp_path):
    before = dict(mpl.rcParams)
    write_report(fake_diagnosis(), tmp_path)
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_report_does_not_use_pyplot_or_tensorflow(tmp_path):
    code = """
import matplotlib as mpl
mpl.use("svg")
import importlib.util, sys
spec = importlib.util.spec_from_file_location("fakes", sys.argv[1])
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
fakes.write_report(fakes.fake_diagnosis(), sys.argv[2])
import matplotlib.pyplot as plt
print(mpl.get_backend(), plt.get_fignums(), "tensorflow" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, __file__, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"svg \[\] False", done.stdout.strip())
