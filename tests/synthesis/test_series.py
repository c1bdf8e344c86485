"""A series is the same for any number of workers, any start and any count."""

import pytest

from temgrains.synthesis import paper_recipe, synthesise, synthesise_many

SMALL = paper_recipe(shape=(48, 80), mean_diameter_px=(10.0, 20.0))


def bytes_of(sample):
    return (
        sample.image.tobytes()
        + sample.truth.tobytes()
        + sample.labels.tobytes()
        + repr(sample.report).encode()
    )


@pytest.fixture(scope="module")
def series():
    return [bytes_of(sample) for sample in synthesise_many(SMALL, seed=3, count=12)]


def test_image_k_depends_on_seed_and_k_alone(series):
    assert series == [bytes_of(synthesise(SMALL, seed=3, index=k)) for k in range(12)]
    assert series[:5] == [bytes_of(sample) for sample in synthesise_many(SMALL, seed=3, count=5)]
    assert series[4:9] == [bytes_of(sample) for sample in synthesise_many(SMALL, seed=3, count=5, start=4)]


def test_two_workers_draw_the_same_bytes(series):
    assert series == [bytes_of(sample) for sample in synthesise_many(SMALL, seed=3, count=12, workers=2)]


def test_a_series_can_be_left_early(series):
    drawn = synthesise_many(SMALL, seed=3, count=10**6, workers=2)
    assert bytes_of(next(drawn)) == series[0]
    drawn.close()


def test_none_is_none():
    assert list(synthesise_many(SMALL, seed=3, count=0)) == []
    assert list(synthesise_many(SMALL, seed=3, count=0, workers=2)) == []


@pytest.mark.parametrize(("count", "workers"), [(-1, 1), (1, 0)])
def test_numbers_that_are_refused(count, workers):
    with pytest.raises(ValueError, match=r"count is .* and workers is .*; they must be at least 0 and 1"):
        synthesise_many(SMALL, seed=3, count=count, workers=workers)
