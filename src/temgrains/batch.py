"""Analyse many images: each is analysed and written on its own, and a failure stops none of the others."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from temgrains import export, models, pipeline
from temgrains.errors import sentence
from temgrains.files import allowed_stem
from temgrains.micrograph import check_pages, choose_pages, count_pages, read
from temgrains.pipeline.project import ENDING, open_project
from temgrains.records import Cancelled, PixelSize, Progress, silent
from temgrains.settings import Settings
from temgrains.tiling import NoGpuWarning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from temgrains.records import Analysis, Micrograph

_log = logging.getLogger(__name__)

_DEFAULTS = Settings()


class Reading(TypedDict, total=False):
    """How `read` is to take the images."""

    pixel_size: float | PixelSize | None
    page: int | None
    scale_bar: float | str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image: the files written, or the sentence that says why there are none.

    ``report`` says in a few words what was found, ``warnings`` in sentences what makes it doubtful. ``page``
    is which image of its file it is, from 0, where ``pages`` chose one of several.
    """

    path: Path
    files: tuple[Path, ...] = ()
    error: str | None = None
    report: str = ""
    warnings: tuple[str, ...] = ()
    page: int | None = None

    @property
    def name(self) -> str:
        """The file, and the page as people count."""
        return str(self.path) if self.page is None else f"page {self.page + 1} of {self.path}"


@dataclass(frozen=True, slots=True)
class _Item:
    """One image to analyse, or why there is none to analyse."""

    path: Path
    page: int | None = None
    error: str | None = None

    @property
    def named(self) -> Path:
        """The path from whose name those of the results are made."""
        path = self.path
        return path if self.page is None else path.with_name(f"{path.stem}_page_{self.page + 1}{path.suffix}")


def run(
    paths: Iterable[str | Path],
    *,
    out: str | Path,
    model: str | Path | models.Model = models.DEFAULT,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
    pages: str | None = None,
    **reading: Unpack[Reading],
) -> list[Outcome]:
    """Analyse images and write their results, going on after a failure.

    Parameters
    ----------
    paths
        The images. Of projects (``film.temgrains``) the corrections are done again on the network that
        they were made on, and nothing else is computed.
    out
        Folder for the results; made if it is missing.
    model, settings
        As for `analyse`; the same for all images.
    progress
        Called as ``progress("images", done, total)`` and by the stages in between; raising `Cancelled` ends
        the whole run.
    pages
        Which images of each file that holds several: "all", or numbers that count from 1 such as "1-5,8" or
        "3-". The results of the third are named ``film_page_3``. None for the one that `read` takes.
    **reading
        ``pixel_size`` [nm], ``page`` and ``scale_bar``, passed on to `read`.

    Returns
    -------
    outcomes
        One for each image, in their order.

    Raises
    ------
    ValueError
        If ``pages`` chooses none, or ``page`` is given too; no image is touched then.
    ModelError
        If the model cannot be loaded; no image is touched then.
    OSError
        If the folder cannot be made or written to.
    """
    return list(
        each(paths, out=out, model=model, settings=settings, progress=progress, pages=pages, **reading)
    )


def each(
    paths: Iterable[str | Path],
    *,
    out: str | Path,
    model: str | Path | models.Model = models.DEFAULT,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
    pages: str | None = None,
    **reading: Unpack[Reading],
) -> Iterator[Outcome]:
    """Do as `run`, and give each outcome as soon as its image is done."""
    images = [Path(path) for path in paths]
    if pages is not None:
        check_pages(pages)
        if reading.get("page") is not None:
            raise ValueError("both page and pages are given; give one of them")
    networks = pipeline.loaded(model)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    export.check_folder(folder)
    # Unlike Path.resolve, realpath does not raise for a link that leads to itself.
    home = Path(os.path.realpath(folder))
    inputs = [path.name for path in images if Path(os.path.realpath(path)).parent == home]
    items: list[_Item] = []
    for done, path in enumerate(images):
        if pages is not None:
            progress("pages", done, len(images))
        items += _items(path, pages)

    def analysed(item: _Item) -> Analysis:
        if item.error is not None:
            raise ValueError(item.error)
        if item.path.suffix.lower() == ENDING:
            return _replayed(item.path)
        chosen: Reading = reading if item.page is None else {**reading, "page": item.page}
        return _analysed(read(item.path, **chosen), networks, settings, progress)

    stems = unique_stems([item.named for item in items], keep=inputs)
    for done, (item, stem) in enumerate(zip(items, stems, strict=True)):
        progress("images", done, len(items))
        try:
            analysis = analysed(item)
            outcome = _outcome(item, analysis, pipeline.save(analysis, folder, stem, progress=progress))
        except Cancelled:
            raise
        except Exception as error:  # whatever one image provokes must not cost the others
            outcome = _failed(item, error)
        yield outcome
    progress("images", len(items), len(items))


def _items(path: Path, pages: str | None) -> list[_Item]:
    """Name the images of a file that are to be analysed, and after them those that it lacks."""
    if pages is None or path.suffix.lower() == ENDING:
        return [_Item(path)]
    try:
        count = count_pages(path)
    except Exception as error:  # as in `each`
        _log.debug("%s failed", path, exc_info=True)
        return [_Item(path, error=sentence(error, path))]
    chosen, missing = choose_pages(pages, count)
    items = [_Item(path, page if count > 1 else None) for page in chosen]
    if missing:
        holds = "1 image" if count == 1 else f"{count} images"
        items.append(_Item(path, error=f"{path}: it holds {holds}, there is no page {missing}"))
    return items


def _failed(item: _Item, error: Exception) -> Outcome:
    _log.debug("%s failed", item.path, exc_info=True)
    said = sentence(error, item.path)
    if item.page is not None:
        said = f"page {item.page + 1} of {said}"
    return Outcome(item.path, error=said, page=item.page)


def _replayed(path: Path) -> Analysis:
    """Read a project and do its corrections, with a word in its result on what could not be read."""
    project = open_project(path)
    analysis = project.corrected()
    known = analysis.provenance
    said = [*known["warnings"], *project.notes]
    return replace(analysis, provenance={**known, "warnings": said})


def _analysed(
    micrograph: Micrograph, model: models.Model, settings: Settings, progress: Progress
) -> Analysis:
    """Analyse a micrograph, with a word in its result if not the device that was asked for did the work."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", NoGpuWarning)
        analysis = pipeline.analyse(micrograph, model=model, settings=settings, progress=progress)
    for said in heard:
        if not issubclass(said.category, NoGpuWarning):
            warnings.warn_explicit(said.message, said.category, said.filename, said.lineno)
    devices = dict.fromkeys(str(said.message) for said in heard if issubclass(said.category, NoGpuWarning))
    known = analysis.provenance
    return replace(analysis, provenance={**known, "warnings": [*known["warnings"], *devices]})


def unique_stems(paths: Sequence[Path], *, keep: Iterable[str] = ()) -> list[str]:
    """Give each image a name for its results that no other one has, on any file system.

    A name that is taken gets the next free number (``a``, ``a-2``), and so does one whose results would
    replace a file in ``keep``; upper and lower case count as alike; see `temgrains.files.allowed_stem`.
    """
    kept = {name.casefold() for name in keep}
    natural = [allowed_stem(path.stem) for path in paths]
    taken = {stem.casefold() for stem in natural}
    used: set[str] = set()
    stems = []
    for stem in natural:
        name, number = stem, 1
        while (
            name.casefold() in used
            or (number > 1 and name.casefold() in taken)
            or any(f"{name}.{ending}".casefold() in kept for ending in export.ENDINGS)
        ):
            number += 1
            name = f"{stem}-{number}"
        used.add(name.casefold())
        stems.append(name)
    return stems


def _outcome(item: _Item, analysis: Analysis, files: Iterable[Path]) -> Outcome:
    made = analysis.provenance
    ending = f"{made['stopped'] or 'left'} after {made['iterations']} iterations"
    if made["excluded"]:
        ending += f", {made['excluded_share']:.1%} of the image left out"
    return Outcome(
        path=item.path,
        files=tuple(files),
        report=f"{analysis.grains.count} grains, {ending}",
        warnings=tuple(dict.fromkeys((*analysis.micrograph.notes, *made["warnings"]))),
        page=item.page,
    )
