"""How the counts that methods are given are read by people."""

from __future__ import annotations

_UNITS = {
    "_per_nm2": "per nm²",
    "_per_px2": "per px²",
    "_per_nm": "per nm",
    "_per_px": "per px",
    "_nm2": "nm²",
    "_px2": "px²",
    "_nm": "nm",
    "_px": "px",
}
_SYMBOLS = ("N_", "L_", "P_", "S_", "l_")


def counted(name: str, value: str) -> str:
    """Give a count with its unit, such as ``A = 464366 nm²`` of ``A_nm2``; symbols are those of formulas.

    Parameters
    ----------
    name
        As `GrainSize.inputs` has it: the symbol or the words, and its unit where it has one.
    value
        The number as text.
    """
    ending = next((ending for ending in _UNITS if name.endswith(ending)), "")
    start = name.removesuffix(ending)
    spoken = start if start.startswith(_SYMBOLS) else start.replace("_", " ")
    if spoken.endswith("deg"):
        spoken = f"{spoken.removesuffix('deg')}°"
    return " ".join(filter(None, (spoken, "=", value, _UNITS.get(ending, ""))))
