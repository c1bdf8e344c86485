"""A session in a real window: the sample, every step by its button, the files; with pictures of each.

::

    python -m temgrains.gui.demo --out demo      # drive it, leave pictures and results in demo/
    python -m temgrains.gui.demo --show          # open it and leave the rest to the user
    python -m temgrains.gui.demo --pictures      # the pictures of the documentation
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TOO_LONG_S = 600
"""A step that takes longer has failed [s]."""

SIZE = (1380, 880)
"""Width and height of the window [px]."""

_PICTURE_WIDTH = 1150


class DemoFailed(Exception):
    """A step did not give what it should; the sentence says which."""


class Demo:
    """A viewer with the sample and the dock, driven by the dock's buttons."""

    def __init__(self, *, show: bool = True) -> None:
        import napari  # noqa: PLC0415  (after the settings' place is chosen)

        self.viewer = napari.Viewer(title="TEM Grains", show=show)
        self.viewer.window.resize(*SIZE)
        _, self.dock = self.viewer.window.add_plugin_dock_widget("temgrains", "TEM Grains")
        sample = resources.files("temgrains_manifest") / "sample_data" / "polycrystal.png"
        with resources.as_file(sample) as path:
            self.dock.header.open_image(str(path))
        self.settle()
        self.viewer.reset_view()

    def click(self, name: str) -> None:
        """Press a button of the dock and wait until its work is done and drawn.

        Raises
        ------
        DemoFailed
            If the button cannot be pressed or its work fails.
        """
        button = self.dock.extract.buttons[name]
        if not button.isEnabled():
            raise DemoFailed(f"the button {button.text() or name!r} cannot be pressed: {self.message()}")
        button.click()
        self.settle()

    def can(self, name: str) -> bool:
        """Say whether a button of the dock can be pressed."""
        return bool(self.dock.extract.buttons[name].isEnabled())

    def settle(self) -> None:
        """Wait until nothing is at work."""
        self._let_it_draw()
        end = time.monotonic() + TOO_LONG_S
        while not self.dock.desk.settled:
            if time.monotonic() > end:
                raise DemoFailed(f"a step took longer than {TOO_LONG_S} s")
            self._let_it_draw()
        if " failed: " in self.message():
            raise DemoFailed(self.message())
        for _ in range(5):
            self._let_it_draw()

    def message(self) -> str:
        """Give what the dock says."""
        return str(self.dock.extract.message.text())

    def picture(self) -> NDArray[Any]:
        """Give the whole window as RGBA."""
        self._let_it_draw()
        shot: NDArray[Any] = self.viewer.screenshot(canvas_only=False, flash=False)
        return shot

    def _let_it_draw(self) -> None:
        from qtpy.QtWidgets import QApplication  # noqa: PLC0415

        QApplication.processEvents()
        time.sleep(0.01)


def run(out: Path, *, results: bool = True) -> None:
    """Do every step of an analysis and leave a picture of each, and the results, in a folder.

    Parameters
    ----------
    out
        The folder; it is made if it is missing.
    results
        Whether to write the results beside the pictures.

    Raises
    ------
    DemoFailed
        If a step fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    _say(f"opening napari with the sample and the dock TEM Grains; pictures and results go to {out}")
    demo = Demo()
    panel, session = demo.dock.extract, demo.dock.desk.session
    shot = _Album(demo, out)
    shot.take("opened", f"the sample, {session.pixel_size[0]:.3g} nm per pixel by its {session.calibration}")
    demo.click("edges")
    shot.take("edges", "Sobel red, LoG green, Canny blue")
    demo.click("guess")
    shot.take("guess", "what Net1 makes of the edges")
    panel.changes.click()
    demo.click("step")
    shot.take("step", "one iteration of Net2; green appeared in it, blue vanished")
    panel.changes.click()
    if demo.can("run"):  # a sure guess may have converged already
        demo.click("run")
    shot.take("converged", panel.iteration.text())
    demo.click("grains")
    shot.take("grains", panel.summary.text())
    if not results:
        with tempfile.TemporaryDirectory() as folder:
            _find_bar_in_stack(demo, Path(folder))
            shot.take("pages", "a page of the first of two stacks in a folder, with its scale bar")
    else:
        panel.save_to(out)
        demo.settle()
        for path in sorted(out.iterdir()):
            _say(f"  {path.name}")
    demo.viewer.close()


def _find_bar_in_stack(demo: Demo, folder: Path) -> None:
    """Open a folder with two stacks of synthetic micrographs, and find the scale bar of a page."""
    import numpy as np  # noqa: PLC0415
    import tifffile  # noqa: PLC0415
    from PIL import Image, ImageDraw  # noqa: PLC0415

    from temgrains.synthesis import real_recipe, synthesise  # noqa: PLC0415

    recipe = real_recipe(shape=(512, 640))
    for name in ("heated_1", "heated_2"):
        pages = [Image.fromarray(synthesise(recipe, seed=5, index=index).image) for index in range(4)]
        for page in pages:
            draw = ImageDraw.Draw(page)
            draw.rectangle((24, 480, 223, 487), fill=255)
            draw.text((124, 476), "100 nm", fill=255, font_size=28, anchor="mb")
        options: Any = {"imagej": True, "resolution": (2.0, 2.0), "metadata": {"unit": "nm", "axes": "TYX"}}
        tifffile.imwrite(folder / f"{name}.tif", np.stack([np.asarray(page) for page in pages]), **options)
    demo.viewer.layers.clear()
    demo.settle()
    header = demo.dock.header
    header.open_folder(str(folder))
    demo.settle()
    header.page.page.setValue(3)
    header.page.open.click()
    demo.settle()
    header.scale_bar.click()
    demo.settle()
    demo.viewer.reset_view()


def show() -> None:
    """Open the sample and the dock, and leave the rest to the user."""
    import napari  # noqa: PLC0415

    demo = Demo()
    _say("the sample is open; the dock stands at the right, and the blue button is the next one to press")
    napari.run()
    del demo


def small(picture: NDArray[Any]) -> Any:
    """Give a picture that is small as a file: less wide, 32 levels per colour, which PNG packs well."""
    from PIL import Image  # noqa: PLC0415

    full = Image.fromarray(picture[..., :3])
    size = (_PICTURE_WIDTH, round(full.height * _PICTURE_WIDTH / full.width))
    return full.resize(size, Image.Resampling.LANCZOS).point([level & 0xF8 for level in range(256)] * 3)


class _Album:
    """Takes a picture after each step and says what is on it."""

    def __init__(self, demo: Demo, folder: Path) -> None:
        self._demo, self._folder, self._count = demo, folder, 0
        self._start = time.monotonic()

    def take(self, name: str, about: str) -> None:
        self._count += 1
        path = self._folder / f"{self._count}_{name}.png"
        small(self._demo.picture()).save(path, optimize=True)
        _say(f"{path.name} after {time.monotonic() - self._start:.0f} s: {about}")


def _say(text: str) -> None:
    sys.stdout.write(f"[demo] {text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 if every step went well."""
    about = "Show the plugin in a real window, with the sample."
    parser = argparse.ArgumentParser(prog="python -m temgrains.gui.demo", description=about)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--out", type=Path, default=Path("demo"), help="folder for pictures and results (demo)")
    what.add_argument("--show", action="store_true", help="only open the window, and keep it open")
    parser.add_argument(
        "--pictures", action="store_true", help="leave the pictures only, as for the documentation"
    )
    chosen = parser.parse_args(arguments)
    if chosen.show:
        show()
        return 0
    with tempfile.TemporaryDirectory() as folder:  # no user's settings are read or changed
        os.environ.setdefault("NAPARI_CONFIG", str(Path(folder) / "napari.yaml"))
        try:
            run(chosen.out, results=not chosen.pictures)
        except DemoFailed as error:
            _say(f"stopped: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
