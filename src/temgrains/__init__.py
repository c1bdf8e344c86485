"""Find, correct and measure grain boundaries in TEM micrographs of polycrystals."""
