"""Take the picture of the dock Synthesise in the guide.

python docs/examples/synthesise_picture.py OUT_FOLDER
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from qtpy.QtWidgets import QApplication

SIZE = (1380, 880)
CONCEPT = "BoundaryLines"


def main(folder: Path) -> None:
    """Show a sample with a concept unfolded and its truth, and leave a picture of the window."""
    import napari  # noqa: PLC0415  (after the settings' place is chosen)

    from temgrains.gui.demo import small  # noqa: PLC0415
    from temgrains.gui.dock import SynthesiseWidget  # noqa: PLC0415

    viewer = napari.Viewer(title="TEM Grains")
    viewer.window.resize(*SIZE)
    dock = SynthesiseWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Synthesise")
    panel = dock.synthesise
    panel.folds["Contrast of grains and boundaries"].unfold()
    next(row for row in panel.rows if type(row.slot.concept).__name__ == CONCEPT).arrow.setChecked(True)
    panel.views["truth"].setChecked(True)
    panel.samples.set_visible("truth", True)
    for index in (7, 8):  # the first sample of a process takes longer
        panel.samples.go_to(seed=1, index=index)
        settle(panel.samples)
    viewer.layers["sample truth"].opacity = 0.4
    settle(panel.samples)
    picture = small(viewer.screenshot(canvas_only=False, flash=False))
    picture.save(folder / "napari_synthesise.png", optimize=True)
    viewer.close()


def settle(samples) -> None:
    """Wait until the sample is drawn and shown."""
    end = time.monotonic() + 1
    while samples.drawing or time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as settings:  # no user's settings are read or changed
        os.environ.setdefault("NAPARI_CONFIG", str(Path(settings) / "napari.yaml"))
        main(Path(sys.argv[1]))
