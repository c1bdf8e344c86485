"""What a file says of the microscope, its voltage, the magnification and the date. Nothing depends on it."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from temgrains.micrograph import tescan
from temgrains.records import Instrument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tifffile import TiffFile, TiffPage

_TEXT_MAX = 80
_KV_MAX = 5000
_MAGNIFICATION_MAX = 1e9
_EMPTY = {"", "none", "unknown", "[]", "0", "n/a"}


def of_entry(entry: Mapping[str, Any]) -> Instrument:
    """Collect what RosettaSciIO read of a DM3, DM4, EMD, EMI or MRC file.

    Parameters
    ----------
    entry
        One of the dictionaries that its readers give.
    """
    found = _mapped(entry)
    general = entry["metadata"].get("General", {})
    described = _at(entry["original_metadata"], "ObjectInfo.ExperimentalDescription") or {}
    voltage = found.get("beam_energy", described.get("High tension_kV"))
    day, time = (found.get(name) or general.get(name) for name in ("date", "time"))
    seconds = _number(_at(entry["original_metadata"], "Acquisition.AcquisitionStartDatetime.DateTime"))
    date: Any = f"{day}T{time}" if day and time else day
    if seconds is not None:
        # Not as RosettaSciIO gives it, which is in the time zone of this computer.
        date = datetime.fromtimestamp(seconds, tz=UTC)
    return _instrument(found.get("microscope"), voltage, found.get("magnification"), date)


def _mapped(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give by the last part of their names what the entry's mapping finds among the file's own words."""
    found = {}
    for path, target in entry.get("mapping", {}).items():
        name, convert = target if isinstance(target, (tuple, list)) else (target, None)
        value = _at(entry["original_metadata"], path)
        if value is None or not re.fullmatch(r"General\.\w+|Acquisition_instrument\.[TS]EM\.\w+", str(name)):
            continue
        # The functions expect what a sound file holds.
        with suppress(Exception):
            found[str(name).rsplit(".", 1)[1]] = value if convert is None else convert(value)
    return found


def _at(words: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(words, dict) or key not in words:
            return None
        words = words[key]
    return words


def of_tiff(tif: TiffFile, page: TiffPage) -> Instrument:
    """Collect what a page of a TIFF says; what is said first counts.

    Parameters
    ----------
    tif
        The open file.
    page
        The page that is read.
    """
    merged: dict[str, Any] = {}
    for said in _said(tif, page):
        known = _instrument(*said)
        merged = {
            name: merged.get(name) or getattr(known, name)
            for name in ("microscope", "voltage_kv", "magnification", "date")
        }
    return Instrument(**merged)


def _said(tif: TiffFile, page: TiffPage) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Give microscope, voltage [kV], magnification and date by each part of a TIFF that has them."""
    description = tif.pages.first.description
    fei, zeiss, tvips = tif.fei_metadata or {}, tif.sem_metadata or {}, tif.tvips_metadata or {}
    if fei:
        user = fei.get("User", {})
        yield (
            fei.get("System", {}).get("SystemType"),
            _thousandth(fei.get("Beam", {}).get("HV")),
            None,
            f"{user.get('Date', '')} {user.get('Time', '')}",
        )
    if zeiss:
        said = {name: value for name, (_, *value) in _tuples(zeiss)}
        times = " ".join(str(said[name][0]) for name in ("ap_date", "ap_time") if name in said)
        voltage = " ".join(map(str, said.get("ap_actualkv") or said.get("ap_manualkv") or ()))
        magnification = " ".join(map(str, said.get("ap_mag", ())))
        yield (*said.get("sv_serial_number", (None,))[:1], voltage, magnification, times)
    if tvips:
        yield tvips.get("TemType"), tvips.get("TemHighTension"), tvips.get("TemMagnification"), None
    if words := tescan.words(page):
        times = f"{words.get('Date', '')} {words.get('Time', '')}"
        yield words.get("Device"), _thousandth(words.get("HV")), words.get("Magnification"), times
    olympus = page.tags.valueof(33560)
    if isinstance(olympus, dict):
        yield None, None, olympus.get("magnification"), olympus.get("datetime")
    if "<TemReporter" in description:
        yield _jeol(description)
    if "OME" in description:
        dated = re.search(r"<(?:\w+:)?AcquisitionDate>([^<]*)<", description)
        model = re.search(r"<(?:\w+:)?Microscope\b[^>]*\bModel\s*=\s*\"([^\"]*)\"", description)
        yield model and model[1], None, None, dated and dated[1]
    yield None, None, None, page.tags.valueof(306) or tif.pages.first.tags.valueof(306)


def _tuples(words: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    return ((name, value) for name, value in words.items() if isinstance(value, tuple) and len(value) > 1)


def _jeol(description: str) -> tuple[Any, Any, Any, Any]:
    said = ElementTree.fromstring(description.strip().strip("\0"))
    enlarged = said.findtext("ImageFormingSystem/ModeString") == "MAG"
    return (
        said.findtext("Instruments"),
        _thousandth(said.findtext("ElectronGun/AccelerationVoltage")),
        said.findtext("ImageFormingSystem/SelectorValue") if enlarged else None,
        said.findtext("DateTime"),
    )


def _instrument(microscope: Any, voltage_kv: Any, magnification: Any, date: Any) -> Instrument:
    """Keep what can be."""
    voltage = _number(voltage_kv)
    # Some write volts where others write kilovolts.
    if voltage is not None and voltage > _KV_MAX:
        voltage /= 1000
    enlarged = _number(magnification)
    name = re.sub(r"^Microscope\s+", "", _text(microscope))
    return Instrument(
        microscope=name,
        voltage_kv=voltage if voltage is not None and voltage <= _KV_MAX else None,
        magnification=enlarged if enlarged is not None and enlarged <= _MAGNIFICATION_MAX else None,
        date=_date(date),
    )


def _text(value: Any) -> str:
    text = " ".join(str(value if value is not None else "").replace("\0", " ").split())[:_TEXT_MAX]
    return "" if text.lower() in _EMPTY else text


def _number(value: Any) -> float | None:
    """Give a positive number, also of text such as "50.00 K X", None where there is none."""
    found = re.fullmatch(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(k)?\s*(?:x|v|kv)?\s*", str(value), re.IGNORECASE)
    if found is None:
        return None
    try:
        number = float(found[1])
    except ValueError:
        return None
    if found[2] and not str(value).lower().rstrip().endswith("kv"):
        number *= 1000
    return number if math.isfinite(number) and number > 0 else None


def _thousandth(value: Any) -> float | None:
    number = _number(value)
    return None if number is None else number / 1000


def _date(value: Any) -> str:
    """Give a date in ISO 8601 where its notation leaves no doubt, else as it stands."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    text = _text(value)
    if not any(digit in text for digit in "123456789"):
        return ""
    with suppress(ValueError):
        # Python takes six decimals of a second at most.
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).isoformat(" ", "seconds")
    for notation in ("%Y:%m:%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d %b %Y %H:%M:%S"):
        with suppress(ValueError):
            return datetime.strptime(text, notation).isoformat(" ", "seconds")
    return text
