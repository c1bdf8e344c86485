"""The napari plugin: the only part of temgrains that knows napari and Qt."""
