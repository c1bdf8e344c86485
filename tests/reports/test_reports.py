"""Tables, figures and reports are read back; what cannot be written is said."""

from __future__ import annotations

import base64
import dataclasses
import errno
import io
import math
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from temgrains import reports
from temgrains.reports import tables
from temgrains.reports.words import number
from temgrains.statistics.labels import labelled
from temgrains.statistics.pooling import OneField, pool, pool_diameters
from temgrains.statistics.report import Choices, describe
from tessellations import random_cells

PROVENANCE = {
    "source": "films/film <03>.dm4",
    "version": "0.1.0",
    "model": {"name": "paper", "networks": {"net1": "PaperNet1", "net2": "PaperNet2"}},
    "iterations": 12,
    "stopped": "converged",
    "settings": {"edges": {"median_px": 7, "log_threshold": None}},
    "warnings": ["the initial guess is poor"],
    "notes": ["the scale bar of 80 px stands for 40 nm; it is left out"],
    "instrument": {
        "microscope": "Titan",
        "voltage_kv": 200,
        "magnification": 5e4,
        "date": "2026-01-02",
    },
}


@pytest.fixture(scope="module")
def found():
    taken = labelled(
        random_cells((120, 130), 14, 3).labels, source="film.tif", pixel_size=(0.5, 0.5), calibration="DM4"
    )
    return describe(taken, choices=Choices(calibration_error=0.03))


@pytest.fixture(scope="module")
def context():
    picture = np.zeros((120, 130, 3), np.uint8)
    picture[40] = (255, 0, 0)
    return reports.Context(picture, PROVENANCE, corrections=4)


def test_every_format_is_written_twice_the_same(found, context, tmp_path):
    for kind, ending in reports.FORMATS.items():
        if kind == "xlsx":  # a workbook holds the time of its making
            continue
        first, second = (reports.write(tmp_path / f"{k}{ending}", found, kind, context=context) for k in "ab")
        assert first.read_bytes() == second.read_bytes(), kind
        assert reports.kind_of(first) == kind


def test_a_report_says_whether_its_mean_is_weighted(found, tmp_path):
    cells = random_cells((120, 130), 14, 3).labels
    cells[50:60, 50:60] = 0  # ground that cuts grains leaves no weights
    for one, said in ((found, "weighted for cuts by the border, 95 %"), (describe(labelled(cells)), "95 %")):
        text = reports.write(tmp_path / "a.html", one, "html").read_text(encoding="utf-8")
        assert f"mean diameter of whole grains (ECD), {said} interval" in text


def test_a_workbook_holds_every_grain_and_every_method(found, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    reports.write(tmp_path / "a.xlsx", found, "xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Grains", "Methods", "About"]
    rows = list(book["Grains"].values)
    assert rows[0] == tuple(found.table)
    read = pd.DataFrame(rows[1:], columns=rows[0])
    np.testing.assert_allclose(read["ecd_nm"].astype(float), found.table["ecd_nm"])
    assert (read["remark"].fillna("") == found.table["remark"]).all()
    assert len(list(book["Methods"].values)) == 1 + len(found.methods)
    about = dict(book["About"].values)
    assert about["calibration"] == "DM4"
    assert about["distribution.lognormal.mu"] == pytest.approx(
        found.content["distribution"]["lognormal"]["mu"]
    )


def test_text_in_a_workbook_is_no_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    taken = describe(labelled(np.ones((5, 5), int), source="=HYPERLINK(1)"))
    reports.write(tmp_path / "a.xlsx", taken, "xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert dict(book["About"].values)["source"] == "'=HYPERLINK(1)"
    assert book["Grains"]["L2"].value is None, "undefined is empty"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_workbook_needs_room_for_temporary_files(tmp_path):
    """Whatever happens is one sentence, nothing else is printed, and the old file stays."""
    pytest.importorskip("openpyxl")
    (tmp_path / "a.xlsx").write_bytes(b"old")
    script = f"""
import resource, signal
import numpy as np
from temgrains import reports
from temgrains.statistics.labels import labelled
from temgrains.statistics.pooling import OneField, pool, pool_diameters
from temgrains.statistics.report import Choices, describe

labels = np.arange(1, 901).reshape(30, 30).repeat(4, 0).repeat(4, 1)
found = describe(labelled(labels), choices=Choices(replicates=0))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    reports.write({str(tmp_path / "a.xlsx")!r}, found, "xlsx")
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "the folder for temporary files" in done.stdout
    assert "the file is as it was before" in done.stdout
    assert done.stderr == ""
    assert (tmp_path / "a.xlsx").read_bytes() == b"old"


def test_a_workbook_holds_whatever_a_file_is_called(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    found = describe(labelled(np.ones((9, 9), int), source="a\x07\udce9.tif"), choices=Choices(replicates=0))
    book = openpyxl.load_workbook(reports.write(tmp_path / "a.xlsx", found, "xlsx"))
    assert book["About"]["B2"].value == "a??.tif"


def test_more_grains_than_a_sheet_holds_are_refused(found, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 9)
    with pytest.raises(ValueError, match=r"\d+ grains: XLSX holds at most 9 rows; write CSV"):
        reports.write(tmp_path / "a.xlsx", found, "xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "module", "name"), [("xlsx", "openpyxl", "openpyxl"), ("pdf", "fpdf", "fpdf2")]
)
def test_a_missing_extra_is_named(found, tmp_path, monkeypatch, kind, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {name}: pip install '\.\[reports\]'"):
        reports.write(tmp_path / "a", found, kind)


def test_figures_are_pictures(found, tmp_path):
    with Image.open(reports.write(tmp_path / "a.png", found, "png")) as image:
        assert image.size == (2125, 2539)
    text = reports.write(tmp_path / "a.svg", found, "svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert "ECD [nm]" in text
    assert "ASTM G, whole numbers" in text
    assert "neighbours of a grain" in text


def test_the_report_says_how_it_was_made(found, context, tmp_path):
    text = reports.write(tmp_path / "a.html", found, "html", context=context).read_text(encoding="utf-8")
    for said in (
        "film &lt;03&gt;.dm4",
        "Grain sizes of film &lt;03&gt;.dm4",
        "0.5 nm per pixel, from: DM4",
        "It is 65 nm wide and 60 nm high.",
        "Titan, 200 kV, \N{MULTIPLICATION SIGN} 50,000, 2026-01-02",
        "the scale bar of 80 px stands for 40 nm",
        "paper: PaperNet1, PaperNet2",
        "12 iterations, converged",
        "edges.median_px",
        "automatic",
        "the initial guess is poor",
        "planimetric, Saltykov rectangle",
        "3 % of each length; 0.085 in G",
        "corrections by hand",
        "no correction for sections is made",
        "bootstrap p = ",
        "largest grain",
        "it does not apply",
        "area of whole grains by whole G",
    ):
        assert said in text, said
    assert len(re.findall("data:image/png;base64,", text)) == 2
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text), "nothing is fetched from elsewhere"
    saltykov = found.methods[0]
    assert f"{saltykov.size:.4g} nm" in text
    assert f"{saltykov.g:.2f}" in text


def test_the_report_reads_as_people_write(tmp_path):
    labels = random_cells((120, 130), 14, 3).labels.copy()
    labels[40:60, 40:70] = 0
    found = describe(labelled(labels, pixel_size=(0.5, 0.5)), choices=Choices(replicates=0))
    text = reports.write(tmp_path / "a.html", found, "html").read_text(encoding="utf-8")
    assert "undefined nm" not in text, "Miles-Lantuejoul knows no weights beside ground"
    assert not re.findall(r"\w_(?:per_)?nm\d?\b", text), "names of variables"
    assert re.search(r"\bA = \d+ nm²", text)
    assert re.search(r"\bl_22\.5° = [\d.]+ nm", text)
    assert text.count("the standard tabulates 00 to 14") == 1, "said once for all methods"
    assert text.count("what they cut counts one half") == 3, "of those methods that count so"
    widths = re.findall(r'<col style="width:(\d+)%">', text)
    assert {"38", "62"} < set(widths)


def test_a_map_takes_the_calibration_that_its_result_states(found):
    size = [0.5 * (1 + 1e-15), 0.5]
    context = reports.Context(provenance={"pixel_size_nm": size, "calibration": "scale bar"})
    taken = context.calibrated(found.labelled)
    assert (taken.pixel_size, taken.calibration) == (tuple(size), "scale bar")
    for other in (
        dataclasses.replace(found.labelled, calibration="typed"),
        dataclasses.replace(found.labelled, pixel_size=(0.51, 0.5)),
        dataclasses.replace(found.labelled, pixel_size=None),
    ):
        assert context.calibrated(other) is other
    for said in ({}, {"pixel_size_nm": None, "calibration": "unknown"}, {"pixel_size_nm": size}):
        assert reports.Context(provenance=said).calibrated(found.labelled) is found.labelled


def test_the_pdf_holds_the_pages_of_the_report(found, context, tmp_path):
    pytest.importorskip("fpdf")
    made = reports.write(tmp_path / "a.pdf", found, "pdf", context=context).read_bytes()
    assert made.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type /Page\b", made)) <= 6


@pytest.fixture
def printed(monkeypatch):
    """The texts and pictures that a PDF is given, each with its page."""
    fpdf = pytest.importorskip("fpdf")
    told = []

    class Listening(fpdf.FPDF):
        def multi_cell(self, w, h=None, text="", **options):
            told.append((text, self.page_no()))
            return super().multi_cell(w, h, text, **options)

        def cell(self, w=None, h=None, text="", **options):
            told.append((text, self.page_no()))
            return super().cell(w, h, text, **options)

        def image(self, name, **options):
            told.append(("picture", self.page_no()))
            return super().image(name, **options)

    monkeypatch.setattr(fpdf, "FPDF", Listening)
    return told


def test_a_pdf_shows_that_a_name_has_characters_that_its_font_lacks(found, tmp_path, caplog, printed):
    context = reports.Context(provenance={"source": "films/\u8584\u819c_\u00b5m.tif"})
    reports.write(tmp_path / "a.pdf", found, "pdf", context=context)
    texts = [text for text, _ in printed]
    assert "Grain sizes of ??_\u00b5m.tif" in texts
    assert any(
        text.startswith("Characters that the font of this PDF does not have stand as ?") for text in texts
    )
    assert "missing" not in caplog.text, "the log of fpdf is not for users"
    html = reports.write(tmp_path / "a.html", found, "html", context=context).read_text(encoding="utf-8")
    assert "Grain sizes of \u8584\u819c_\u00b5m.tif" in html


@pytest.mark.parametrize("with_picture", [False, True])
def test_a_heading_stands_on_the_page_of_its_picture(found, context, tmp_path, printed, with_picture):
    reports.write(tmp_path / "a.pdf", found, "pdf", context=context if with_picture else reports.Context())
    pages = dict(reversed(printed))
    assert pages["Grains"] == pages["picture"] == (1 if with_picture else 2)


def test_the_paragraph_is_ready_to_paste(found, context):
    text = reports.paragraph(found, context)
    content = found.content
    assert text.startswith("Grain boundaries were found with temgrains 0.1.0 (model paper): edge maps")
    assert "refined in 12 iterations (converged). 4 corrections were made by hand." in text
    assert "120 x 130 pixels of 0.5 nm (calibration: DM4)" in text
    assert f"{content['grains']} grains were seen; {content['grains_whole']} of them" in text
    assert (
        f"mean intercept of {found.methods[1].size:.4g} nm (ASTM G = {found.methods[1].g:.2f}, extrap" in text
    )
    assert "An error of the pixel size of 3 % changes all sizes by as much and G by 0.085." in text
    assert "  " not in text
    assert "  " not in reports.paragraph(found, reports.Context(provenance=PROVENANCE))
    plain = reports.paragraph(found, reports.Context())
    assert plain.startswith("Grain sizes were measured on a map of grains with temgrains")
    assert "Boundaries were not corrected by hand." in reports.paragraph(
        found, reports.Context(provenance=PROVENANCE, corrections=0)
    )


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        (
            {"added_px": 20.0, "added_nm": 10.0},
            "1: 20 px = 10.0 nm drawn, 0 px erased, 30 s",
        ),
        ({}, "1"),
        ({"added_px": "many"}, "1"),
    ],
)
def test_corrections_by_hand_are_told_with_their_lengths(found, tmp_path, lengths, said):
    told = {**PROVENANCE, "corrections": {"list": [{}], "minutes": 0.5, **lengths}}
    reports.write(tmp_path / "a.html", found, "html", context=reports.Context(provenance=told))
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"<td>{said}</td>" in text


def test_a_grain_that_stands_apart_is_told_of(tmp_path):
    labels = np.arange(1, 10001).reshape(100, 100).repeat(4, 0).repeat(4, 1)
    labels[200:260, 200:260] = 10001
    found = describe(labelled(labels, pixel_size=(1.0, 1.0)), choices=Choices(replicates=0))
    largest = found.content["distribution"]["largest"]
    assert largest["outliers"] == 1
    assert largest["applies"]
    text = reports.paragraph(found, reports.Context())
    assert f"stood apart (as large as, ASTM E930): G = {largest['g']:.2f}, that of the others" in text
    page = reports.write(tmp_path / "a.html", found, "html").read_text(encoding="utf-8")
    assert "1, with 2.2 % of the area: it applies" in page
    assert f"ECD 67.70 nm, G = {largest['g']:.2f}" in page
    shares = found.content["distribution"]["area_share_by_g"]
    assert sum(shares.values()) == pytest.approx(1)
    assert len(shares) == 2
    for g, share in shares.items():
        assert f"{g}: {100 * share:.1f} %" in page


def test_classes_of_g_weigh_whole_grains():
    rows, columns = np.indices((400, 400))
    coarse, fine = rows // 30 * 40 + columns // 30, 1000 + rows // 10 * 40 + columns // 10
    labels = np.where(rows // 30 % 2, coarse, fine) + 1
    shares = []
    for down, across in np.ndindex(4, 4):
        cut = labels[15 * down :, 8 * across :][:300, :300]
        found = describe(labelled(cut, pixel_size=(1.0, 1.0)), choices=Choices(replicates=0))
        by_g = found.content["distribution"]["area_share_by_g"]
        assert len(by_g) == 2
        shares.append(by_g[min(by_g, key=int)])
    # Half of the area each: of the large squares fewer lie whole in the image, and these weigh more.
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "labels",
    [np.zeros((9, 9), int), np.ones((9, 9), int), np.arange(1, 13).reshape(3, 4)],
    ids=["no grain", "one grain", "all at the border"],
)
def test_little_to_report_is_defined(labels, tmp_path):
    section = Choices(specimen="section", unfold=True)
    taken = describe(labelled(labels, pixel_size=(2.0, 2.0)), choices=section)
    assert (taken.content["distribution"]["unfolded"] is None) == (not len(taken.diameters))
    for kind, ending in reports.FORMATS.items():
        assert reports.write(tmp_path / f"a{ending}", taken, kind).stat().st_size > 0, kind
    text = reports.paragraph(taken, reports.Context())
    assert ("No whole grain was found" in text) == (not len(taken.diameters))
    assert "nan" not in text


def test_what_run_left_beside_the_labels_is_taken(tmp_path):
    Image.new("RGB", (6, 4), "red").save(tmp_path / "a.overlay.png")
    (tmp_path / "a.json").write_text('{"version": "9"}')
    context = reports.Context.beside(tmp_path / "a.labels.tif", "a")
    assert context.picture.shape == (4, 6, 3)
    assert context.provenance == {"version": "9"}
    (tmp_path / "a.json").write_text("[1")
    (tmp_path / "a.overlay.png").write_bytes(b"no picture")
    context = reports.Context.beside(tmp_path / "a.labels.tif", "a")
    assert context.picture is None
    assert context.provenance == {}


RING = np.hypot(*(np.indices((100, 110)) - 50))
QUARTERS = 1 + (np.arange(100)[:, None] > 49) + 2 * (np.arange(110) > 49)


@pytest.mark.parametrize(
    ("labels", "said", "panels"),
    [
        (
            np.ones((100, 110), int),
            "1 grain was seen; it was cut by the image border or by a part that was left out. No whole grain",
            1,
        ),
        (QUARTERS, "4 grains were seen; all of them were cut by the image border or by a part that", 1),
        (
            np.where(RING < 20, 5, QUARTERS),
            "5 grains were seen; 1 of them was cut by neither the image border nor a part that was left out. "
            "The equivalent circle diameter of the only whole grain was ",
            3,
        ),
        (np.zeros((100, 110), int), "No grain was seen. No whole grain was found", 1),
    ],
    ids=["one grain", "all at the border", "one whole grain", "no grain"],
)
def test_a_report_of_few_grains_claims_no_more_than_they_show(tmp_path, labels, said, panels):
    found = describe(labelled(labels, pixel_size=(0.5, 0.5)), choices=Choices(replicates=0))
    text = reports.write(tmp_path / "a.html", found, "html").read_text(encoding="utf-8")
    assert said in reports.paragraph(found, reports.Context())
    assert not re.findall(r"undefined (?:nm|per|degrees|to)|undefined,|= undefined", text)
    assert ("mean of the others" in text) == (labels.max() > 1)
    if labels.any():
        assert "; ASTM E112 asks for 50 grains per field) gave" in text
        assert "extrapolated; ASTM E112 asks for 50 grains per field)</td>" in text
    drawn = re.search(r"<figcaption>(.*?)</figcaption>", text)[1]
    assert len(re.findall(r"\b[a-f]: ", drawn)) == (panels if panels > 1 else 0)
    svg = reports.write(tmp_path / "a.svg", found, "svg").read_text(encoding="utf-8")
    assert len(set(re.findall(r'id="axes_(\d)"', svg))) == panels + bool(labels.any()), "and the scale of a"


def test_a_bar_alone_stands_at_a_whole_number(tmp_path):
    labels = np.where(RING < 20, 5, QUARTERS)
    found = describe(labelled(labels, pixel_size=(0.5, 0.5)), choices=Choices(replicates=0))
    svg = reports.write(tmp_path / "a.svg", found, "svg").read_text(encoding="utf-8")
    ticks = re.findall(r">([\d.\u2212]+)</text>", svg)
    assert list(found.content["network"]["neighbours"]["shares"]) == ["4"]
    assert "4" in ticks
    assert not {"3.8", "4.2"} & set(ticks)


def test_without_a_scale_nothing_is_said_of_g_or_its_error(tmp_path):
    taken = labelled(random_cells((120, 130), 14, 3).labels)
    found = describe(taken, choices=Choices(replicates=0, calibration_error=0.02))
    assert "pixel size" not in reports.paragraph(found, reports.Context())
    text = reports.write(tmp_path / "a.html", found, "html").read_text(encoding="utf-8")
    assert text.count("G is undefined: the size of a pixel is not known") == 1, "said once for all methods"
    assert "<td>the size of a pixel is not known</td>" in text, "so no error of it is told"
    assert "in each whole ASTM G" not in text
    assert "ASTM G, whole numbers" not in reports.write(tmp_path / "a.svg", found, "svg").read_text("utf-8")


def test_pixels_that_are_not_square_are_shown_as_the_specimen_is(tmp_path):
    taken = labelled(random_cells((120, 150), 14, 3).labels, pixel_size=(0.8, 0.5), calibration="DM4")
    found = describe(taken, choices=Choices(replicates=0))
    context = reports.Context(np.zeros((120, 150, 3), np.uint8))
    text = reports.write(tmp_path / "a.html", found, "html", context=context).read_text(encoding="utf-8")
    with Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", text)[1]))) as image:
        assert image.size == (150, 192)
    assert "It is 75 nm wide and 96 nm high. It is stretched, for its pixels are not square." in text
    assert "pixels 0.8 nm high and 0.5 nm wide, from: DM4" in text
    said = "120 x 150 pixels (height x width), each 0.8 nm high and 0.5 nm wide (calibration: DM4)"
    assert said in reports.paragraph(found, reports.Context())


def pooled_of(seeds, *, pixel_size=(0.5, 0.5), tiles=False):
    fields = [
        OneField.of(
            describe(
                labelled(random_cells((120, 130), 14, seed).labels, pixel_size=pixel_size),
                choices=Choices(replicates=0),
            )
        )
        for seed in seeds
    ]
    return {
        "images": [f"film <{seed}>" for seed in seeds],
        "methods": pool([one.methods for one in fields], tiles=tiles),
        "distribution": pool_diameters(fields, tiles=tiles, replicates=19),
    }


def test_several_images_have_a_report_of_their_own(tmp_path):
    pooled = pooled_of((1, 2, 3))
    text = reports.write_pooled(tmp_path / "a.html", pooled, "html").read_text(encoding="utf-8")
    content, heyn = pooled["distribution"], pooled["methods"][1]
    low, high = (content["mean"] + sign * content["half_width_95"] for sign in (-1, 1))
    assert f"was {content['mean']:#.4g} nm (95 % confidence interval {low:#.4g} to {high:#.4g})" in text
    assert f"The {content['all_grains']['summary']['count']} whole grains of all images had 10, 50" in text
    assert f"(ASTM G = {heyn['g']:.2f} ({heyn['g_low']:.2f} to {heyn['g_high']:.2f}), extrapolated)" in text
    root = pooled["methods"][0]["mean"] ** -0.5
    assert f"so a square root of the mean area of {root:#.4g} nm (ASTM G" in text
    assert "on 3 images of one specimen." in text
    assert "ASTM E112 asks for 5 fields or more." in text
    assert "film &lt;2&gt;" in text
    assert text.count("the standard tabulates 00 to 14") == 1, "said once for all methods"
    assert "undefined" not in text
    pytest.importorskip("fpdf")
    assert reports.write_pooled(tmp_path / "a.pdf", pooled, "pdf").read_bytes().startswith(b"%PDF-")


def test_several_images_without_a_scale_have_no_g(tmp_path):
    pooled = pooled_of((1, 2), pixel_size=None, tiles=True)
    text = reports.write_pooled(tmp_path / "a.html", pooled, "html").read_text(encoding="utf-8")
    assert not re.search(r"ASTM G (?:=|\d)", text)
    assert "unknown: sizes are in pixels, and G is undefined" in text
    assert "on 2 tiles of one image." in text
    assert "The images are tiles of one image, not independent fields" in text


def test_no_other_report_of_several_images_is_written(tmp_path):
    with pytest.raises(ValueError, match="no report of several images as 'csv'; there are html, pdf"):
        reports.write_pooled(tmp_path / "a.csv", pooled_of((1, 2)), "csv")
    assert not list(tmp_path.iterdir())


def test_unknown_formats_are_refused(found, tmp_path):
    with pytest.raises(ValueError, match="there is no format 'docx'; there are csv, json, xlsx, geojson"):
        reports.check(["csv", "docx"])
    with pytest.raises(ValueError, match="there is no format 'txt'"):
        reports.kind_of("a.txt")
    with pytest.raises(ValueError, match="there is no format 'x'"):
        reports.write(tmp_path / "a", found, "x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12346"),
        (316.0, "316"),
        (0.002642, "0.002642"),
        (19.4567, "19.46"),
        (1e-7, "1.000e-07"),
        (2e9, "2.000e+09"),
        (None, "undefined"),
        (math.inf, "undefined"),
    ],
)
def test_numbers_read_as_people_write_them(value, text):
    assert number(value) == text


@pytest.mark.parametrize("kind", list(reports.FORMATS))
def test_a_fault_keeps_the_old_file(found, tmp_path, monkeypatch, kind):
    path = tmp_path / f"a{reports.FORMATS[kind]}"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        OSError, match=r"cannot write .*: No space left on device; the file is as it was before"
    ):
        reports.write(path, found, kind)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(found, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .* does not exist; create it first"):
        reports.write(tmp_path / "no" / "a.csv", found, "csv")


def test_the_picture_is_made_smaller_where_it_is_large(found, tmp_path):
    large = reports.Context(np.zeros((3000, 2000, 3), np.uint8))
    text = reports.write(tmp_path / "a.html", found, "html", context=large).read_text(encoding="utf-8")
    first = re.search(r"base64,([^\"]+)", text)
    with Image.open(io.BytesIO(base64.b64decode(first.group(1)))) as image:
        assert max(image.size) == 1400
    assert math.isclose(image.width / image.height, 2 / 3, rel_tol=0.01)


def test_a_workbook_holds_the_notes_too(tmp_path):
    labels = np.zeros((30, 30), int)
    labels[2:9, 2:9], labels[20:27, 20:27] = 4, 4
    found = describe(labelled(labels))
    for kind in ("xlsx", "html"):
        reports.write(tmp_path / f"film.sizes.{kind}", found, kind, context=reports.Context())
    book = pytest.importorskip("openpyxl").load_workbook(tmp_path / "film.sizes.xlsx")
    about = dict(book["About"].values)
    assert about["notes"] == "; ".join(found.content["notes"])
    assert "number 4 stands for several separate pieces" in about["notes"]
    assert "1 of 1 grains lie beside pixels that belong to no grain" in about["notes"]
    assert "several separate pieces" in (tmp_path / "film.sizes.html").read_text("utf-8")


@pytest.mark.parametrize(
    "about",
    [
        '{"warnings": 7, "settings": [], "model": "paper", "iterations": {}}',
        '{"warnings": {}, "settings": {"edges": 3}, "model": {"networks": 5}, "corrections": {"list": 1}}',
        "[" * 10**5,
        "[1, 2]",
        "7",
        '"text"',
    ],
)
def test_what_lies_beside_labels_and_is_wrong_costs_no_report(found, tmp_path, about):
    (tmp_path / "film.json").write_text(about)
    (tmp_path / "film.overlay.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0")
    beside = reports.Context.beside(tmp_path / "film.labels.tif", "film")
    assert beside.picture is None
    assert reports.write(tmp_path / "film.report.html", found, "html", context=beside).stat().st_size > 1000
