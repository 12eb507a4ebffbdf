"""Re-ranking: what pictures have round them says who they show."""

import numpy as np

from mot_anon.measure.privacy.reranking import reranked
from mot_anon.measure.privacy.retrieval import Labels, across_cameras, cosine, retrieve


def people(rng, count=40, views=4, drift=1.0):
    """Features of people in two cameras; each camera sees everybody from somewhere else, several times."""
    person = np.repeat(np.arange(count), 2 * views)
    camera = np.tile(np.repeat([0, 1], views), count)
    features = (
        rng.standard_normal((count, 24))[person] + drift * rng.standard_normal((2 * count, 24))[person * 2 + camera]
    )
    return (features + 0.9 * rng.standard_normal(features.shape)).astype(np.float32), Labels(
        person, camera, np.arange(len(person))
    )


def every(labels):
    return np.ones((len(labels), len(labels)), bool)


def alike(features, labels, allowed, seed=0):
    return reranked(features, features, labels.camera, allowed, np.random.default_rng(seed))


def rank_1(similarity, labels):
    allowed = across_cameras(labels, labels)
    return retrieve(similarity, labels, labels, allowed, np.random.default_rng(0)).rank_1


def test_neighbours_help_where_a_single_picture_is_not_enough():
    features, labels = people(np.random.default_rng(0))
    found = alike(features, labels, across_cameras(labels, labels))
    assert rank_1(found, labels) > rank_1(cosine(features, features), labels)


def test_two_sets_are_compared_through_both():
    features, labels = people(np.random.default_rng(0))
    first, second = labels.camera == 0, labels.camera == 1
    one, two = features[first], features[second]
    allowed = np.ones((len(one), len(two)), bool)
    similarity = reranked(one, two, labels.camera[first], allowed, np.random.default_rng(0))
    right = labels.person[second][similarity.argmax(1)] == labels.person[first]
    alone = labels.person[second][cosine(one, two).argmax(1)] == labels.person[first]
    assert right.mean() > alone.mean()


def test_what_no_query_may_be_compared_with_leads_nowhere():
    features, labels = people(np.random.default_rng(0))
    allowed = across_cameras(labels, labels)
    noise = np.random.default_rng(5).standard_normal(features.shape).astype(np.float32)
    # Each published picture is next to its own original, which shows the same wall; people are gone.
    published = np.concatenate([noise, noise], axis=1)
    original = np.concatenate([noise, 0.2 * np.tile(features, 1)], axis=1)
    similarity = reranked(published, original, labels.camera, allowed, np.random.default_rng(0))
    assert (similarity[~allowed] == 0).all()
    assert rank_1(similarity, labels) < 0.08  # chance is 0.025


def test_pictures_that_show_nothing_are_not_told_apart_by_their_place_in_the_files():
    features, labels = np.zeros((320, 8), np.float32), people(np.random.default_rng(0))[1]
    rates = [rank_1(alike(features, labels, across_cameras(labels, labels), seed), labels) for seed in range(5)]
    assert np.mean(rates) < 0.06  # chance is 0.025


def test_the_order_of_the_rows_does_not_matter():
    features, labels = people(np.random.default_rng(0), count=10)
    turned = np.random.default_rng(3).permutation(len(features))
    moved = Labels(labels.person[turned], labels.camera[turned], labels.row[turned])
    straight = alike(features, labels, every(labels))
    assert np.allclose(straight[np.ix_(turned, turned)], alike(features[turned], moved, every(moved), seed=4))


def test_similarities_lie_between_nothing_and_one():
    features, labels = people(np.random.default_rng(0), count=10)
    similarity = alike(features, labels, every(labels))
    assert similarity.min() >= 0
    assert similarity.max() <= 1 + 1e-9
    assert np.allclose(similarity, similarity.T)
