"""DM3, DM4, EMD, SER, EMI and MRC: the right pixels and scale, or one sentence that says what the file is."""

from __future__ import annotations

import builtins
import json
import logging
import pickle
import warnings

import numpy as np
import pytest

from composed import SHAPE, dm, emi, grey, mrc, ncem, ser, velox
from temgrains.micrograph import SeveralImages, UnreadableImage, instrument, read

pytest.importorskip("rsciio", reason="RosettaSciIO comes with the extra formats")
h5py = pytest.importorskip("h5py", reason="h5py comes with the extra formats")

STACK = grey((3, *SHAPE))
NM = {"m": 1e9, "µm": 1e3, "um": 1e3, "nm": 1.0, "A": 0.1, "pm": 1e-3}


def expected(image):
    values = image.astype(float)
    return (values - values.min()) / np.ptp(values)


def same(found, image):
    np.testing.assert_allclose(found.pixels, expected(image), atol=1e-6)


def refused(path, **options):
    with pytest.raises(UnreadableImage) as caught:
        read(path, **options)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def write(path, content):
    path.write_bytes(content)
    return path


# ---- one image


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4"])
def test_mrc(dtype, order, tmp_path):
    found = read(write(tmp_path / "a.mrc", mrc(grey(dtype=dtype), order=order)))
    same(found, grey(dtype=dtype))
    assert found.pixel_size == pytest.approx((0.2, 0.2))
    assert found.calibration == "MRC header"
    assert found.notes == ()


@pytest.mark.parametrize("version", [528, 544])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"])
def test_ser(dtype, version, tmp_path):
    found = read(write(tmp_path / "a_1.ser", ser(grey(dtype=dtype), version=version)))
    same(found, grey(dtype=dtype))
    assert (found.pixel_size, found.calibration) == (pytest.approx((2, 2)), "SER header")


def test_emi(tmp_path):
    write(tmp_path / "a_1.ser", ser(grey(), metres=(1e-9, 2e-9)))
    found = read(write(tmp_path / "a.emi", emi("TEM uP SA Zoom Imaging")))
    same(found, grey())
    assert (found.pixel_size, found.calibration) == (pytest.approx((1, 2)), "EMI file")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "f4"])
def test_dm(dtype, version, tmp_path):
    found = read(write(tmp_path / "a.dm", dm(grey(dtype=dtype), version=version)))
    same(found, grey(dtype=dtype))
    assert (found.pixel_size, found.calibration) == ((2, 2), "DigitalMicrograph tag")


def test_ncem(tmp_path):
    ncem(tmp_path / "a.emd", grey())
    found = read(tmp_path / "a.emd")
    same(found, grey())
    assert (found.pixel_size, found.calibration) == ((2, 2), "EMD metadata")


def test_velox(tmp_path):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    found = read(tmp_path / "a.emd")
    same(found, grey())
    assert (found.pixel_size, found.calibration) == (pytest.approx((2, 2)), "EMD metadata")


def test_colours_of_dm_become_luminance(tmp_path, rng):
    colours = rng.integers(0, 256, (*SHAPE, 4), dtype=np.uint8)
    found = read(write(tmp_path / "a.dm3", dm(colours.view("u4")[..., 0], kind=23)))
    blue, green, red = (colours[..., k].astype(float) for k in range(3))
    same(found, 0.2126 * red + 0.7152 * green + 0.0722 * blue)


@pytest.mark.parametrize("words", [{}, {"word39": 1146047817, "word40": 1}])
def test_bytes_of_mrc_with_a_sign(words, tmp_path):
    image = grey(dtype="i1") - 60
    same(read(write(tmp_path / "a.mrc", mrc(image, **words))), image)


def test_bytes_of_mrc_without_a_sign_by_imod(tmp_path):
    image = grey(dtype="u1") + 100
    same(read(write(tmp_path / "a.mrc", mrc(image, word39=1146047817, word40=0))), image)


def test_mrc_from_before_the_mark(tmp_path):
    content = bytearray(mrc(grey(), order=">"))
    content[208:214] = bytes(6)
    same(read(write(tmp_path / "a.mrc", content)), grey())


# ---- several images


@pytest.mark.parametrize("page", [0, 2])
@pytest.mark.parametrize("name", ["a.mrc", "a_1.ser", "a.dm4"])
def test_frame_of_a_stack_is_chosen(name, page, tmp_path):
    content = {"a.mrc": mrc, "a_1.ser": ser, "a.dm4": lambda stack: dm(stack, version=4)}[name](STACK)
    path = write(tmp_path / name, content)
    same(read(path, page=page), STACK[page])
    assert read(path, page=page).notes == (f"page {page + 1} of 3 was read",)
    same(read(path), STACK[0])
    assert refused(path, page=3) == "it has no page 3; choose from 0 to 2"


def test_one_of_several_images_must_be_chosen(tmp_path):
    images = {"HAADF": grey(), "BF": STACK, "DF": grey()[::-1]}
    velox(tmp_path / "a.emd", images)
    with pytest.raises(
        SeveralImages, match='it holds 3 images; choose one by its page: 0 "HAADF", 1 "BF", 4 "DF"'
    ):
        read(tmp_path / "a.emd")
    found = read(tmp_path / "a.emd", page=3)
    same(found, STACK[2])
    assert found.notes == ('page 4 of 5 was read, of "BF"',)
    same(read(tmp_path / "a.emd", page=4), grey()[::-1])


def test_the_choice_survives_the_way_back_from_another_process():
    error = SeveralImages("a.emd", (0, 1), ("HAADF", ""))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.pages, again.titles) == (str(error), (0, 1), ("HAADF", ""))
    assert str(error) == 'a.emd: it holds 2 images; choose one by its page: 0 "HAADF", 1'


def test_detectors_of_an_emi_file_must_be_chosen_from(tmp_path):
    write(tmp_path / "a_1.ser", ser(grey()))
    write(tmp_path / "a_2.ser", ser(STACK[2]))
    path = write(
        tmp_path / "a.emi", emi("STEM nP SA Zoom Image", 2).replace(b"CameraNamePath", b"DwellTimePath")
    )
    assert 'page: 0 "a_1.ser", 1 "a_2.ser"' in refused(path)
    same(read(path, page=1), STACK[2])


def test_several_images_of_dm(tmp_path):
    path = write(tmp_path / "a.dm3", dm(grey(), grey()[::-1]))
    assert 'page: 0 "image 0", 1 "image 1"' in refused(path)
    same(read(path, page=1), grey()[::-1])


def test_a_spectrum_beside_the_image_is_left_out(tmp_path):
    path = write(tmp_path / "a.dm3", dm(grey(), grey((30,), "f4")))
    same(read(path), grey())
    assert read(path).notes == ("left out: a spectrum of 30 channels",)


# ---- scale


@pytest.mark.parametrize(
    ("pixel", "size"),
    [
        (((2.0, "A"), (1.0, "nm")), (0.2, 1)),
        (((3.0, "nm"), (2.0, "pm")), (3, 0.002)),
        (((0.5, "µm"), (0.5, "µm")), (500, 500)),
        (((0.5, ""), (0.5, "")), None),
        (((0.0, "nm"), (0.0, "nm")), None),
        (((-1.0, "nm"), (-1.0, "nm")), None),
        (((1e20, "nm"), (1e20, "nm")), None),
        (((float("nan"), "nm"), (1.0, "nm")), None),
        (((1.0, "s"), (1.0, "nm")), None),
    ],
)
def test_height_and_width_have_units_of_their_own(pixel, size, tmp_path):
    found = read(write(tmp_path / "a.dm3", dm(grey(), pixel=pixel)))
    assert found.pixel_size == (size and pytest.approx(size))
    assert found.calibration == ("DigitalMicrograph tag" if size else "unknown")
    strange = size is None and pixel[0][1]
    assert bool(found.notes) == bool(strange or (size and size[0] != size[1]))


@pytest.mark.parametrize(
    ("unit", "nm"),
    [("[n_m]", 1), ("[u_m]", 1e3), ("[µ_m]", 1e3), ("[A]", 0.1), ("[p_m]", 1e-3), ("[]", None)],
)
def test_units_of_ncem(unit, nm, tmp_path):
    ncem(tmp_path / "a.emd", grey(), units=(unit, unit))
    assert read(tmp_path / "a.emd").pixel_size == (nm and pytest.approx((2 * nm, 2 * nm)))


def test_mrc_without_a_cell_has_no_scale(tmp_path):
    found = read(write(tmp_path / "a.mrc", mrc(grey(), word8=0, word9=0)))
    assert (found.pixel_size, found.notes) == (None, ())


def test_negative_cell_of_mrc_is_no_scale(tmp_path):
    found = read(write(tmp_path / "a.mrc", mrc(grey(), cell=(-200, -120))))
    assert found.pixel_size is None
    assert found.notes == ("the MRC header gives a pixel of -1 x -1 nm, which cannot be; type its size",)


def test_one_angstrom_of_mrc_is_doubted(tmp_path):
    found = read(write(tmp_path / "a.mrc", mrc(grey(), cell=(20, 12))))
    assert found.pixel_size == pytest.approx((0.1, 0.1))
    assert "which programs also write when they do not know; check it" in found.notes[0]


def test_typed_size_goes_before_the_file(tmp_path):
    found = read(write(tmp_path / "a.dm3", dm(grey())), pixel_size=0.7)
    assert (found.pixel_size, found.calibration) == ((0.7, 0.7), "typed")


# ---- what is no micrograph


@pytest.mark.parametrize("unit", ["1/nm", "1 / nm", "nm^-1", "1/µm", "1/A", "[n_m^-1]", "mrad", "Å⁻¹"])
def test_diffraction_pattern_is_refused(unit, tmp_path):
    path = write(tmp_path / "a.dm3", dm(grey(), pixel=((0.1, unit), (0.1, unit))))
    said = (
        f"it holds a diffraction pattern (the DigitalMicrograph tag gives its scale in {unit}), no micrograph"
    )
    assert refused(path, pixel_size=1).startswith(said)


def test_diffraction_pattern_of_velox_is_refused(tmp_path):
    velox(tmp_path / "a.emd", {"Ceta": grey()}, unit="1/m", metres=1e8)
    assert refused(tmp_path / "a.emd").startswith("it holds a diffraction pattern (the EMD metadata gives")


def test_bare_ser_of_a_pattern_has_no_scale_but_the_emi_file_beside_it_knows(tmp_path):
    path = write(tmp_path / "a_1.ser", ser(grey(), metres=(1e8, 1e8)))
    found = read(path)
    assert found.pixel_size is None
    assert found.notes[0].startswith("the SER header gives a pixel of 1e+17 x 1e+17 nm, which cannot be")
    assert found.notes[1] == "SER files do not say so, but it may be a diffraction pattern"
    write(tmp_path / "a.emi", emi("TEM SA Diffraction"))
    assert refused(path).startswith(
        "it holds a diffraction pattern (the EMI file beside it gives its scale in"
    )


def test_complex_images_are_refused(tmp_path):
    waves = grey(dtype="f4").astype("c8")
    for path in (write(tmp_path / "a.dm3", dm(waves)), write(tmp_path / "a.mrc", mrc(waves))):
        assert refused(path).startswith("it holds an image of complex numbers (12 x 20), such as a Fourier")


def test_spectra_are_refused(tmp_path):
    path = write(tmp_path / "a.dm3", dm(grey((40,), "f4")))
    assert refused(path).startswith("it holds a spectrum of 40 channels, no micrograph")
    assert refused(write(tmp_path / "a.ser", ser(grey(), kind=0x4120))).startswith(
        "it holds spectra, not images"
    )


def test_spectrum_image_is_refused(tmp_path):
    path = write(tmp_path / "a.dm3", dm(STACK, pixel=((1.0, "eV"), (2.0, "nm"), (2.0, "nm"))))
    assert refused(path).startswith("it holds a spectrum image (3 x 12 x 20), no micrograph")


def test_scan_of_patterns_is_refused(tmp_path):
    path = write(tmp_path / "a.dm4", dm(grey((2, 3, 4, 5)), version=4))
    assert refused(path).startswith("it holds a scan of patterns or volumes (2 x 3 x 4 x 5), no micrograph")


def test_hdf5_file_that_is_no_emd_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = grey()
    assert refused(tmp_path / "a.h5") == "it is an HDF5 file but no EMD file; export the image as TIFF"


def test_emi_file_alone_is_refused(tmp_path):
    path = write(tmp_path / "a.emi", emi("TEM"))
    assert refused(path) == "its pixels are in a_1.ser, which is not beside it; copy both"


@pytest.mark.parametrize(("name", "suffix"), [("a.dat", ".ser"), ("a.bin", ".emi")])
def test_name_of_another_format_is_refused(name, suffix, tmp_path):
    path = write(tmp_path / name, ser(grey()) if suffix == ".ser" else emi("TEM"))
    assert refused(path) == f"it is a {suffix[1:].upper()} file; let its name end in {suffix}"


# ---- RosettaSciIO itself


@pytest.mark.parametrize("name", ["a.dm3", "a.mrc", "a_1.ser", "a.emd"])
def test_without_rosettasciio_one_sentence_says_how_to_get_it(name, tmp_path, monkeypatch):
    contents = {
        "a.dm3": dm(grey()),
        "a.mrc": mrc(grey()),
        "a_1.ser": ser(grey()),
        "a.emd": b"\x89HDF\r\n\x1a\n",
    }

    def missing(name):
        raise ImportError(name)

    path = write(tmp_path / name, contents[name])
    monkeypatch.setattr(instrument.importlib, "import_module", missing)
    assert refused(path) == (
        "microscopes' own formats need RosettaSciIO; pip install '.[formats]', or export as TIFF"
    )


def test_what_a_reader_lacks_is_said_too(tmp_path, monkeypatch):
    def lacking(*_, **__):
        raise ModuleNotFoundError("sparse")

    monkeypatch.setattr(instrument, "_plugin", lambda *_: lacking)
    assert "pip install '.[formats]'" in refused(write(tmp_path / "a.dm3", dm(grey())))


def test_what_it_logs_and_warns_of_goes_no_further(tmp_path, monkeypatch, caplog, capfd):
    reader = instrument._plugin(tmp_path, "mrc")

    def noisy(*given, **options):
        logging.getLogger("rsciio.mrc").error("a secret")
        warnings.warn("a secret", UserWarning, stacklevel=1)
        return reader(*given, **options)

    monkeypatch.setattr(instrument, "_plugin", lambda *_: noisy)
    same(read(write(tmp_path / "a.mrc", mrc(grey()))), grey())
    assert "secret" not in caplog.text + "".join(capfd.readouterr())
    assert logging.getLogger("rsciio").propagate
    # It prints what it logs, and goes on doing so for others.
    assert [type(handler).__name__ for handler in logging.getLogger("rsciio").handlers] == ["StreamHandler"]


def test_nothing_of_it_is_loaded_for_other_formats(tmp_path, monkeypatch):
    imported = []
    original = builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *rest: (imported.append(name), original(name, *rest))[1]
    )
    refused(write(tmp_path / "a.tif", b"II*\0"))
    assert not [name for name in imported if name.startswith(("rsciio", "h5py", "dask"))]


# ---- real files

PATTERNS = {
    "Camera Ceta Diffraction Micro.emd",
    "digitalmicrograph__2D__test_diffraction_pattern_tags_removed.dm3",
    "tia__new__128x128x5-diffraction_preview.emi",
    "tia__new__128x128x5-diffraction_preview_1.ser",
    "tia__old__64x64_diffraction_acquire.emi",
    "tia__old__64x64_diffraction_acquire_1.ser",
    "tiff__JEOL-SightX-SAED-dummy.tif",
}
COMPLEX = {"digitalmicrograph__2D__test-13.dm3", "digitalmicrograph__2D__test-13.dm4"}
SPECTRA_IN_THE_MANIFEST = {
    # The manifest lists only their spectra; the images that Velox takes besides are read.
    "velox_emd_v11_elementSelection__SI_empty selection.emd": ["HAADF"],
    "velox_emd_version11__Test SI 16x16 ReducedData 215 kx.emd": ["C", "Ca", "O", "Cu", "HAADF"],
}
TITLES = {"emd__fei_example_dpc_titles.emd"}
"""The manifest lists the first of its nine signals."""


def entries(shared):
    folder = shared / "data/instrument_files"
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [(folder / entry["file"], entry["signals"]) for entry in listed]


def pages_of(path):
    """The first page of each image in a file."""
    try:
        read(path)
    except SeveralImages as error:
        return error.pages
    return (None,)


def test_every_file_of_the_manifest_is_accounted_for(shared):
    kinds = {"opened": 0, "pattern": 0, "complex": 0}
    for path, signals in entries(shared):
        if path.name in PATTERNS:
            kinds["pattern"] += 1
            assert "a diffraction pattern (" in refused(path)
        elif path.name in COMPLEX:
            kinds["complex"] += 1
            assert "an image of complex numbers" in refused(path)
        else:
            kinds["opened"] += 1
            found = [read(path, page=page) for page in pages_of(path)]
            if path.name not in SPECTRA_IN_THE_MANIFEST:
                check(path, found, signals)
    assert kinds == {"opened": 53, "pattern": 7, "complex": 2}


def check(path, found, signals):
    """Hold what was read against the signals of the manifest that are images."""
    images = [s for s in signals if (len(s["axes"]) > 1 and "min" in s) or "R" in s["dtype"]]
    if path.name == "tiff__olympus_SIS.tif":
        images = images[1:]
    if path.name not in TITLES:
        assert len(found) == len(images), path.name
    for micrograph, signal in zip(found, images, strict=path.name not in TITLES):
        assert list(micrograph.shape) == signal["shape"][-2:], path.name
        assert micrograph.pixel_size == size(signal), path.name
        one = len(signal["shape"]) == 2 and "min" in signal and signal["min"] < signal["max"]
        if one:
            mean = (signal["mean"] - signal["min"]) / (signal["max"] - signal["min"])
            assert micrograph.pixels.mean(dtype=float) == pytest.approx(mean, abs=1e-4), path.name


def size(signal):
    """The pixel size [nm] that the manifest gives, None where it cannot be one."""
    (_, _, height, down, _), (_, _, width, across, _) = signal["axes"][-2:]
    if not {down, across} <= NM.keys() or not 1e-4 <= width * NM[across] <= 1e6:
        return None
    return pytest.approx((height * NM[down], width * NM[across]), rel=1e-4)


def test_images_beside_a_spectrum_image_of_velox(shared):
    for name, titles in SPECTRA_IN_THE_MANIFEST.items():
        path = shared / "data/instrument_files" / name
        if len(titles) > 1:
            assert 'choose one by its page: 0 "C"' in refused(path)
        found = read(path, page=len(titles) - 1)
        assert found.pixel_size is not None
        assert min(found.shape) == 16
