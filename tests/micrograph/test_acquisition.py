"""Microscope, voltage, magnification, date: what each format says of them; nothing where it says nonsense."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import tifffile

from composed import dm, emi, grey, mrc, ncem, ser, velox
from temgrains.micrograph import acquisition, read
from temgrains.micrograph.acquisition import _date, _number
from temgrains.pipeline.provenance import origin
from temgrains.records import Instrument

NONE = Instrument()


def tiff(path, **options):
    tifffile.imwrite(path, grey(), metadata=None, **options)
    return read(path).instrument


def ascii_tag(code, text):
    return (code, 2, None, text, True)


def test_it_is_one_line():
    full = Instrument("Titan", 300.0, 22500.0, "2020-07-29 16:49:51")
    assert str(full) == "Titan, 300 kV, × 22,500, 2020-07-29 16:49:51"  # noqa: RUF001
    assert str(Instrument(voltage_kv=80.0)) == "80 kV"
    assert str(NONE) == ""


# ---- TIFF


def test_fei(tmp_path):
    text = (
        "[User]\r\nDate=06/13/2016\r\nTime=05:06:40 PM\r\n[System]\r\nSystemType=Helios 660\r\n"
        "[Beam]\r\nHV=5000\r\n"
    )
    found = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34682, text)])
    assert found == Instrument("Helios 660", 5.0, None, "06/13/2016 05:06:40 PM"), "day or month first?"


def test_zeiss(tmp_path):
    text = (
        "0\r\nAP_MAG\r\nMag = 50.00 K X\r\nAP_ACTUALKV\r\nEHT = 15.00 kV\r\n"
        "SV_SERIAL_NUMBER\r\nSerial No. = SUPRA 55\r\n"
    )
    found = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34118, text)])
    assert (found.voltage_kv, found.magnification) == (15.0, 50_000.0)


def test_tescan(tmp_path):
    content = (
        b"[MAIN]\r\nDate=2021-03-04\r\nTime=10:11:12\r\nDevice=TENSOR\r\nMagnification=50000\r\n"
        b"[SEM]\r\nHV=100000.0\r\n"
    )
    found = tiff(tmp_path / "a.tif", extratags=[(50431, 7, len(content), content, True)])
    assert found == Instrument("TENSOR", 100.0, 50_000.0, "2021-03-04 10:11:12")


def test_tvips(tmp_path, monkeypatch):
    said = {"TemType": "Titan\0\0", "TemHighTension": 200_000.0, "TemMagnification": 11_000.0}
    monkeypatch.setattr(tifffile.TiffFile, "tvips_metadata", property(lambda _: said))
    assert tiff(tmp_path / "a.tif") == Instrument("Titan", 200.0, 11_000.0)


def test_olympus(tmp_path, monkeypatch):
    said = {"magnification": 600_000.0, "datetime": datetime(2018, 11, 15, 19, 42)}
    original = tifffile.TiffTags.valueof

    def valueof(self, key, *rest, **options):
        return said if key == 33560 else original(self, key, *rest, **options)

    monkeypatch.setattr(tifffile.TiffTags, "valueof", valueof)
    assert tiff(tmp_path / "a.tif") == Instrument("", None, 600_000.0, "2018-11-15 19:42:00")


@pytest.mark.parametrize(("mode", "magnification"), [("MAG", 50_000.0), ("LOWMAG", None)])
def test_jeol(mode, magnification, tmp_path):
    description = (
        "<TemReporter><Instruments>JEM-ARM200F</Instruments><DateTime>2015-07-30T07:17:25.7725342+09:00</DateTime>"
        "<ElectronGun><AccelerationVoltage>200000</AccelerationVoltage></ElectronGun><ImageFormingSystem>"
        f"<ModeString>{mode}</ModeString><SelectorValue>50000</SelectorValue></ImageFormingSystem></TemReporter>"
    )
    found = tiff(tmp_path / "a.tif", description=description)
    assert found == Instrument("JEM-ARM200F", 200.0, magnification, "2015-07-30 07:17:25+09:00")


def test_ome(tmp_path):
    description = (
        '<OME><Instrument><Microscope Manufacturer="FEI" Model="Tecnai"/></Instrument><Image>'
        '<AcquisitionDate>2021-03-04T05:06:07</AcquisitionDate><Pixels SizeX="1"/></Image></OME>'
    )
    found = tiff(tmp_path / "a.tif", description=description)
    assert found == Instrument("Tecnai", None, None, "2021-03-04 05:06:07")


def test_date_of_any_tiff(tmp_path):
    assert tiff(tmp_path / "a.tif", datetime="2018:11:15 19:42:31") == Instrument(date="2018-11-15 19:42:31")
    assert tiff(tmp_path / "b.tif") == NONE


def test_what_cannot_be_parsed_does_not_cost_the_image(tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(acquisition, "_said", fail)
    assert tiff(tmp_path / "a.tif") == NONE


# ---- microscopes' own formats


@pytest.fixture
def rsciio():
    pytest.importorskip("rsciio", reason="RosettaSciIO comes with the extra formats")
    return pytest.importorskip("h5py", reason="h5py comes with the extra formats")


def test_dm(tmp_path, rsciio):
    tags = {
        "DataBar": {"Acquisition Date": "8/8/2016", "Acquisition Time": "4:26:37 PM"},
        "Microscope Info": {"Voltage": 200_000.0, "Indicated Magnification": 225_000.0},
    }
    (tmp_path / "a.dm3").write_bytes(dm(grey(), tags=tags))
    found = read(tmp_path / "a.dm3").instrument
    assert (found.voltage_kv, found.magnification) == (200.0, 225_000.0)
    assert found.date == "2016-08-08 16:26:37"


def test_dm_of_nonsense(tmp_path, rsciio):
    tags = {
        "DataBar": {"Acquisition Date": "yesterday", "Acquisition Time": "late"},
        "Microscope Info": {"Voltage": float("nan"), "Indicated Magnification": -5.0},
    }
    (tmp_path / "a.dm3").write_bytes(dm(grey(), tags=tags))
    found = read(tmp_path / "a.dm3").instrument
    assert (found.voltage_kv, found.magnification) == (None, None)


def test_emi(tmp_path, rsciio):
    (tmp_path / "a_1.ser").write_bytes(ser(grey()))
    said = {
        "Microscope": ("Microscope Tecnai 200 kV", ""),
        "High_tension": ("200", "kV"),
        "Magnification": ("19500", "x"),
    }
    (tmp_path / "a.emi").write_bytes(emi("TEM uP SA Zoom Image", **said))
    found = read(tmp_path / "a.emi").instrument
    assert found == Instrument("Tecnai 200 kV", 200.0, 19_500.0, "2015-01-05 10:00:00")
    assert read(tmp_path / "a_1.ser").instrument == NONE


def test_velox(tmp_path, rsciio):
    velox(
        tmp_path / "a.emd",
        {"HAADF": grey()},
        Instrument={"InstrumentClass": "Titan"},
        Optics={"AccelerationVoltage": "300000"},
        CustomProperties={"StemMagnification": {"type": "double", "value": "7100"}},
        Acquisition={"AcquisitionStartDatetime": {"DateTime": "1596041391"}},
    )
    found = read(tmp_path / "a.emd").instrument
    assert found == Instrument("Titan", 300.0, 7100.0, "2020-07-29 16:49:51+00:00")


def test_formats_that_say_nothing(tmp_path, rsciio):
    (tmp_path / "a.mrc").write_bytes(mrc(grey()))
    ncem(tmp_path / "b.emd", grey())
    assert [read(tmp_path / name).instrument for name in ("a.mrc", "b.emd")] == [NONE, NONE]


# ---- values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("50.00 K X", 50_000), ("15 kV", 15), (200.0, 200), ("2e3", 2000)],
        *[("0", None), ("1.2.3", None), ("-5", None), (float("nan"), None), (None, None), ("high", None)],
        ("1e400", None),
    ],
)
def test_numbers(text, number):
    assert _number(text) == number


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2018:11:15 19:42:31", "2018-11-15 19:42:31"),
        ("2015/07/30 7:17", "2015-07-30 07:17:00"),
        ("26 Jan 2017 11:12:13", "2017-01-26 11:12:13"),
        ("03/04/2017 11:12:13", "03/04/2017 11:12:13"),
        ("0000:00:00 00:00:00", ""),
        ("", ""),
        (None, ""),
        ("2018-11-15\0\0", "2018-11-15 00:00:00"),
    ],
)
def test_dates(text, date):
    assert _date(text) == date


# ---- where it goes


def test_it_is_in_the_results_with_the_page(tmp_path):
    stack, date = np.stack([grey()] * 4), "2018:11:15 19:42:31"
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None, datetime=date)
    said = origin(read(tmp_path / "a.tif", page=2))
    assert said["page"] == 2
    assert said["instrument"] == {
        "microscope": "",
        "voltage_kv": None,
        "magnification": None,
        "date": "2018-11-15 19:42:31",
    }
