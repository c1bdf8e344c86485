"""What the Extract panel shows of a session, resolved in one place. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temgrains.gui._session import Session

POOR_GUESS = 40
"""More iterations than this mean a poor initial guess (the paper's experience on real micrographs)."""

EMPTY = "Open a micrograph with Open…, or choose File > Open Sample > TEM Grains."

NO_BOUNDARY = "No boundary was found."

WHY = {
    "converged": "converged",
    "fixed point": "converged: nothing changes any more",
    "cycle": "stopped: states repeat",
    "cap": "stopped: limit reached",
}

_WORDS = {
    "waiting": "Waiting for the cancelled step to end",
    "micrograph": "Reading the image",
    "edges": "Edges: detector {done} of {total}",
    "guess": "Net1: tile {done} of {total}",
    "refine": "Net2: iteration {next}, at most {total}",
    "pass": "Net2: tile {done} of {total}",
    "boundaries": "Closing boundaries",
}


@dataclass(frozen=True, slots=True)
class PanelState:
    """What to show: texts, which buttons can be pressed (by name), and which one comes next."""

    enabled: frozenset[str]
    next: str = ""
    running: bool = False
    iteration: str = ""
    changes: tuple[float, ...] = ()
    threshold: float = 0.0
    cursor: int = 0
    message: str = ""
    summary: str = ""


def panel_state(
    session: Session | None, *, busy: bool = False, running: bool = False, refusal: str = "", note: str = ""
) -> PanelState:
    """Resolve what the panel shows.

    Parameters
    ----------
    session
        The chosen image's session, None without an image that can be analysed.
    busy
        Whether a job is at work.
    running
        Whether that job can be paused.
    refusal
        Why the chosen image cannot be analysed, "" if it can or none is chosen.
    note
        What happened last, in a sentence.
    """
    if session is None:
        return PanelState(frozenset(), next="open", message=refusal or EMPTY)
    if busy:
        enabled, following = frozenset({"run", "cancel"} if running else {"cancel"}), ""
    else:
        enabled, following = _enabled(session), _next(session)
    return PanelState(
        enabled=enabled,
        next=following,
        running=running,
        iteration=_iteration(session),
        changes=tuple(iterate.change for iterate in session.iterates[1:]),
        threshold=session.settings.refine.threshold,
        cursor=session.cursor,
        message=note or _hint(session, following),
        summary=summary(session),
    )


def progress_text(stage: str, done: int, total: int) -> str:
    """Say what a job is doing."""
    return _WORDS.get(stage, stage).format(done=min(done + 1, total), next=done + 1, total=total)


def summary(session: Session) -> str:
    """Say how many grains and how much boundary there is, with units, and of which iterate."""
    analysis = session.analysis
    if analysis is None:
        return ""
    grains, sizes = analysis.grains, analysis.sizes
    if grains.count <= 1:
        return NO_BOUNDARY
    at_border = int(grains.on_border.sum())
    parts = [
        f"{grains.count} grains ({at_border} at the border)",
        f"boundary {length_text(sizes.boundary_length_px, sizes.boundary_length_nm)}"
        if sizes.boundary_length_nm is not None
        else f"boundary {sizes.boundary_length_px:.0f} px (no pixel size)",
        *_mean_diameter(session),
    ]
    if share := analysis.provenance["excluded_share"]:
        parts.append(f"{share:.1%} of the image left out")
    text = " · ".join(parts)
    if not session.current:
        text += f"\nof iteration {analysis.iterates[-1].index}, or other settings: press Find grains"
    return text


def length_text(pixels: float, nm: float) -> str:
    """Give a length in pixels and in the metric unit that fits it."""
    return f"{pixels:.0f} px = {metric(nm)}"


def metric(nm: float) -> str:
    """Give a length in nm, µm or mm, three figures."""
    for limit, unit in ((1e6, "mm"), (1e3, "µm")):
        if nm >= limit:
            return f"{_three(nm / limit)} {unit}"
    return f"{_three(nm)} nm"


def _three(value: float) -> str:
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"


def _mean_diameter(session: Session) -> list[str]:
    table = session.analysis.sizes.table if session.analysis is not None else None
    if table is None or table.empty:
        return []
    whole = table[~table["on_border"]]
    if whole.empty:
        return ["no mean diameter, for no grain is whole"]
    known = session.pixel_size is not None and "ecd_nm" in table
    mean = metric(float(whole["ecd_nm"].mean())) if known else f"{_three(float(whole['ecd_px'].mean()))} px"
    return [f"mean diameter of the {len(whole)} whole grains {mean}"]


def _enabled(session: Session) -> frozenset[str]:
    names = {"edges", "guess", "all"}
    if session.cursor > 0:
        names |= {"back", "reset"}
    if not session.at_end:
        names |= {"step", "run"}
    if session.cursor < len(session.iterates) - 1:
        names.add("last")
    if session.iterates:
        names.add("grains")
    if session.current:
        names.add("save")
    return frozenset(names)


def _next(session: Session) -> str:
    if session.edges is None:
        return "edges"
    if session.guess is None:
        return "guess"
    if not session.finished:
        return "run"
    if not session.current:
        return "grains"
    return "save" if session.analysis is not None and session.analysis.grains.count > 1 else ""


def _iteration(session: Session) -> str:
    shown = session.shown
    if shown is None:
        return ""
    if shown.index == 0:
        return "initial guess"
    text = f"iteration {shown.index}"
    if shown.stopped is not None:
        return f"{text} · {WHY[shown.stopped]}"
    return f"{text} of {len(session.iterates) - 1}" if session.cursor < len(session.iterates) - 1 else text


def _hint(session: Session, following: str) -> str:
    if session.iterates and session.iterates[-1].index > POOR_GUESS:
        return (
            f"More than {POOR_GUESS} iterations: the initial guess is poor. Check its scale, the contrast "
            "and the edges."
        )
    if session.analysis is not None and session.current and session.analysis.grains.count <= 1:
        return "Look at contrast, edges and scale: without a boundary there is no grain size."
    if session.iterates and session.iterates[-1].stopped == "cap" and following != "save":
        return "The limit was reached before it converged: raise When to stop > At most to go on."
    if session.micrograph is not None and session.micrograph.notes and following in {"guess", "run"}:
        return "; ".join(session.micrograph.notes)
    return {
        "edges": "Start with Find edges, or let Run all do every step.",
        "guess": "Look at the edges, then let Net1 make the initial guess.",
        "run": "Run repeats Net2 until nothing changes much; Step goes one iteration.",
        "grains": "Find grains draws closed boundaries from the shown iteration.",
        "save": "Save writes overlay, boundaries, labels, iterates, table and settings.",
    }.get(following, "")
