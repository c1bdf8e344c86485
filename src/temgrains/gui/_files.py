"""The files of the chosen image: those before and after it in a folder, and results that were saved."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, Signal

from temgrains.errors import sentence
from temgrains.files import find_saved
from temgrains.gui import _image
from temgrains.gui._chores import reloading, writing
from temgrains.gui._job import STAGES
from temgrains.gui._pages import Pages
from temgrains.gui._waiting import GivenUp
from temgrains.gui.readers import raising, show_refusal
from temgrains.micrograph import UnreadableImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from temgrains.gui._bench import Bench
    from temgrains.gui._desk import Desk
    from temgrains.records import Analysis


class Files(QObject):
    """A queue of files, one of which is looked at, and where its results lie; all docks show the same one."""

    changed = Signal()
    """Another file is looked at, or a result was found, saved or read."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.paths: tuple[str, ...] = ()
        self.index = -1
        self.folder: Path | None = None
        """Where results were saved last."""
        self.found: Path | None = None
        """The JSON of a result of the chosen image that was saved before."""
        self.pages = Pages(desk, self._put_away)
        self._desk = desk
        self._seen: Any = None
        desk.changed.connect(self._follow)

    # What a dock may ask for

    def begin(self, paths: Sequence[str]) -> None:
        """Take other files as queue, and open the first that can be read."""
        self.paths, self.index = tuple(paths), -1
        self._open(0, 1)
        self.changed.emit()

    def step(self, by: int) -> None:
        """Go on to the next file (1) or back to the one before (-1)."""
        if not self._desk.busy:
            self._open(self.index + by, by)

    def save(self, folder: Path) -> bool:
        """Write all files of the analysis into a folder; say whether it began."""
        bench = self._desk.bench
        if bench is None or bench.session.analysis is None:
            return False
        analysis = bench.session.analysis
        done = partial(self._saved, bench, analysis, folder)
        return self._desk.side_work.start(writing(analysis, folder, bench.session.stem, done))

    def reload(self) -> bool:
        """Read the result that was found; say whether it began."""
        image, bench = self._desk.watch.image, self._desk.bench
        if image is None or bench is None or self.found is None or self._desk.busy:
            return False
        then = partial(self._take, str(image.unique_id), bench)
        return self._desk.side_work.start(reloading(self.found, _image.loader_of(image), then))

    # The queue

    def _open(self, index: int, by: int) -> None:
        """Look at a file; past those that cannot be read."""
        desk, before = self._desk, self._desk.watch.image
        while 0 <= index < len(self.paths):
            try:
                image = self._layer_of(self.paths[index]) or self._read(self.paths[index])
            except GivenUp as error:
                show_refusal(error)
                return
            if image is not None:
                self.index = index
                image.visible = True
                desk.choose(image.unique_id)
                desk.watch.listed.emit()
                if before is not None and _image.path_of(before) != self.paths[index]:
                    elsewhere = not np.allclose(before.extent.world, image.extent.world)
                    self._leave(_image.path_of(before))
                    if elsewhere:
                        desk.viewer.reset_view()
                    self.pages.go_on()
                return
            index += by

    def _layer_of(self, path: str) -> Image | None:
        return next((image for image in self._desk.watch.images() if _image.path_of(image) == path), None)

    def _read(self, path: str) -> Image | None:
        try:
            with raising():
                layers = self._desk.viewer.open(path, plugin="temgrains")
        except GivenUp:
            raise
        except UnreadableImage as error:
            show_refusal(error)
            return None
        except (OSError, ValueError) as error:
            # Of a file that is gone, or that became a folder, napari speaks before our reader is asked.
            show_error(sentence(error, Path(path)))
            return None
        looked_at = self._desk.watch.image
        signal = None if looked_at is None else _image.about(looked_at).get("signal")
        same = [layer for layer in layers if signal and _image.about(layer).get("signal") == signal]
        return (same or layers or [None])[0]

    def _leave(self, path: str) -> None:
        """Remove the images of a file of the queue, and their results; what is not saved is only hidden."""
        if path in self.paths:
            for image in [image for image in self._desk.watch.images() if _image.path_of(image) == path]:
                self._put_away(image)
            self._desk.watch.listed.emit()

    def _put_away(self, image: Image) -> None:
        desk, bench = self._desk, self._desk.bench_of(image)
        if bench is not None and bench.session.analysis is not bench.saved:
            for layer in (image, *_layers_on(desk, image)):
                layer.visible = False
            desk.note = f"{image.name} stays, hidden: its result is not saved"
            desk.changed.emit()
            return
        if bench is not None:
            desk.watch.quietly(bench.drop_layers, STAGES)
        for layer in _layers_on(desk, image):
            if _image.about(layer).get("role") == "scale bar":
                desk.watch.quietly(desk.viewer.layers.remove, layer)
            else:
                layer.visible = False
        desk.watch.quietly(desk.viewer.layers.remove, image)

    def _follow(self) -> None:
        """Notice that another image was chosen."""
        image, bench = self._desk.watch.image, self._desk.bench
        seen = None if image is None else (image.unique_id, None if bench is None else bench.session.stem)
        if seen == self._seen:
            return
        self._seen = seen
        path = "" if image is None else _image.path_of(image)
        told = [] if image is None else _image.about(image).get("queue", [])
        if path in told and path not in self.paths:
            self.paths = tuple(told)
        self.index = self.paths.index(path) if path in self.paths else self.index
        self._look()
        self.changed.emit()

    # Results that were saved

    def _look(self) -> None:
        """Look for results beside the image and where results were saved last."""
        image, bench = self._desk.watch.image, self._desk.bench
        self.found = None
        if image is None or bench is None or not _image.path_of(image):
            return
        path = Path(_image.path_of(image))
        folders = [path.parent, *([self.folder] if self.folder is not None else [])]
        # The second name is that of a batch of pages.
        paged = f"{path.stem}_page_{int(_image.about(image).get('page') or 0) + 1}"
        for stem in dict.fromkeys((bench.session.stem, paged, path.stem)):
            self.found = self.found or find_saved(stem, folders)

    def _saved(self, bench: Bench, analysis: Analysis, folder: Path, note: str) -> None:
        bench.saved, self.folder = analysis, folder
        self._look()
        self._tell(note)
        self.changed.emit()

    def _take(self, image_id: str, bench: Bench, analysis: Analysis) -> None:
        desk, image = self._desk, self._desk.watch.image
        if image is None or str(image.unique_id) != image_id or desk.bench is not bench or desk.busy:
            return
        about = _image.about(image)
        boxes = [list(box) for box in analysis.micrograph.excluded]
        image.metadata = {**image.metadata, _image.KEY: {**about, "excluded": boxes}}
        desk.calibrate(analysis.micrograph.pixel_size, analysis.micrograph.calibration)
        bench.session.adopt(analysis, models=desk.side_work.models)
        bench.saved = analysis
        desk.show_all()
        self._tell(f"The result of {image.name} was read again")

    def _tell(self, note: str) -> None:
        self._desk.note = note
        show_info(note)
        self._desk.changed.emit()


def _layers_on(desk: Desk, image: Image) -> list[Any]:
    """Give the layers of an image's results."""
    mine = str(image.unique_id)
    return [layer for layer in desk.viewer.layers if _image.about(layer).get("image") == mine]
