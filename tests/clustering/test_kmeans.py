import subprocess
import sys
from inspect import signature
from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils import estimator_checks

from gyrovox.clustering import HyperbolicKMeans
from gyrovox.errors import ClusterCountError, NotFittedError, SettingsError
from gyrovox.geometry.codes import add, distance
from gyrovox.geometry.frechet_mean import frechet_mean


def reference_distance(u, w, curvature):
    """The acosh definition between the ball points of codes, in 60 digits."""
    with mpmath.workdps(60):
        c = mpmath.mpf(-curvature)

        def ball(code):
            code = mpmath.matrix([mpmath.mpf(float(x)) for x in code])
            size = mpmath.norm(code)
            return code * (mpmath.tanh(mpmath.sqrt(c) * size) / (mpmath.sqrt(c) * size or 1))

        x, y = ball(u), ball(w)
        gap, xx, yy = (mpmath.norm(v) ** 2 for v in (x - y, x, y))
        argument = 1 + 2 * c * gap / ((1 - c * xx) * (1 - c * yy))
        return float(mpmath.acosh(argument) / mpmath.sqrt(c))


def costs(codes, partitions, curvature, weights):
    """Inertia of partitions in two about their Fréchet means, by other code than the estimator's.

    Partitions (count, points) of 0 and 1; returns (count,).
    """
    points = torch.from_numpy(codes).expand(len(partitions), *codes.shape)
    total = 0.0
    for label in (0, 1):
        share = torch.from_numpy((np.asarray(partitions) == label) * weights)
        if curvature == 0:
            means = (share @ points[0]) / share.sum(1, keepdim=True)
            far = 2 * (points - means.unsqueeze(1)).norm(dim=-1)
        else:
            means = frechet_mean(points, share, curvature=curvature)
            far = distance(points, means.unsqueeze(1), curvature=curvature)
        total = total + (share * far.square()).sum(-1).numpy()
    return total


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


def blobs(rng, points=3000, clusters=5, dim=2, dtype=np.float64):
    centres = rng.normal(size=(clusters, dim))
    labels = rng.integers(0, clusters, points)
    codes = centres[labels] + 0.12 * rng.normal(size=(points, dim))
    return codes.astype(dtype), labels


@pytest.mark.parametrize("curvature", [0.0, -0.5, -1.0, -4.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_two_clusters_equal_the_best_of_all_partitions(curvature, weighted):
    # Other codes for every curvature: of one set, each of them would show the same.
    rng = np.random.default_rng(int(-10 * curvature))
    codes = rng.normal(size=(8, 2))
    weights = rng.uniform(0.2, 3.0, 8) if weighted else np.ones(8)
    partitions = [(0, *rest) for rest in product((0, 1), repeat=7) if any(rest)]
    best = costs(codes, partitions, curvature, weights).min()
    model = HyperbolicKMeans(2, curvature=curvature, n_init=30, tol=0.0, max_iter=200)
    model.fit(codes, sample_weight=weights if weighted else None)
    assert model.inertia_ == pytest.approx(best, rel=1e-9)
    found = costs(codes, model.labels_[None], curvature, weights)
    assert found == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("curvature", [0.0, -1.0])
def test_one_cluster_is_the_mean(curvature, rng):
    codes = rng.normal(size=(200, 3))
    model = HyperbolicKMeans(1, curvature=curvature, tol=0.0, max_iter=100).fit(codes)
    expected = (
        codes.mean(axis=0) if curvature == 0 else frechet_mean(torch.from_numpy(codes)).numpy()
    )
    np.testing.assert_allclose(model.cluster_centers_[0], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("dtype", "slack"), [(np.float32, 1e-6), (np.float64, 1e-12)], ids=str)
@pytest.mark.parametrize("curvature", [0.0, -1.0])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0, 12.0])
def test_inertia_never_grows(dtype, slack, curvature, scale, rng):
    codes = (scale * rng.normal(size=(4000, 2))).astype(dtype)
    model = HyperbolicKMeans(7, curvature=curvature, n_init=1, tol=1e-6, max_iter=60).fit(codes)
    history = np.append(model.inertia_history_, model.inertia_)
    assert len(history) == model.n_iter_ + 1
    assert (np.diff(history) <= slack * history[:-1]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
@pytest.mark.parametrize("curvature", [0.0, -1.0])
def test_blobs_are_found(dtype, curvature, rng):
    codes, truth = blobs(rng, dtype=dtype)
    model = HyperbolicKMeans(5, curvature=curvature).fit(codes)
    assert adjusted_rand_score(truth, model.labels_) > 0.95
    np.testing.assert_array_equal(model.labels_, model.predict(codes))
    np.testing.assert_array_equal(model.labels_, model.transform(codes).argmin(axis=1))


def test_flat_twin_is_scikit_learns_with_its_metric(rng):
    codes, _ = blobs(rng)
    model = HyperbolicKMeans(5, curvature=0.0, tol=0.0).fit(codes)
    reference = KMeans(5, n_init=10, random_state=0, tol=0.0).fit(codes)
    assert model.inertia_ == pytest.approx(4 * reference.inertia_, rel=1e-9)
    assert adjusted_rand_score(model.labels_, reference.labels_) == 1.0


def test_vanishing_curvature_gives_the_flat_twin(rng):
    codes, _ = blobs(rng, points=500)
    flat, nearly = (HyperbolicKMeans(5, curvature=c, tol=1e-10).fit(codes) for c in (0.0, -1e-8))
    np.testing.assert_array_equal(flat.labels_, nearly.labels_)
    assert nearly.inertia_ == pytest.approx(flat.inertia_, rel=1e-6)
    np.testing.assert_allclose(nearly.cluster_centers_, flat.cluster_centers_, atol=1e-6)


@pytest.mark.parametrize("shift", [(0.5, -0.3), (2.5, 1.0)], ids=str)
@pytest.mark.parametrize("curvature", [-0.5, -1.0])
def test_isometries_change_nothing(shift, curvature, rng):
    codes, truth = blobs(rng, points=600)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    shifted = add(
        torch.tensor(shift, dtype=torch.float64),
        torch.from_numpy(codes @ turn),
        curvature=curvature,
    ).numpy()
    one, other = (
        HyperbolicKMeans(5, curvature=curvature, n_init=20, tol=1e-9).fit(x)
        for x in (codes, shifted)
    )
    assert adjusted_rand_score(truth, one.labels_) > 0.95
    assert adjusted_rand_score(one.labels_, other.labels_) == 1.0
    assert other.inertia_ == pytest.approx(one.inertia_, rel=1e-6)


def test_curvature_is_a_unit_of_length(rng):
    codes, _ = blobs(rng, points=400)
    one = HyperbolicKMeans(4, curvature=-1.0).fit(codes)
    four = HyperbolicKMeans(4, curvature=-4.0).fit(codes / 2)
    np.testing.assert_array_equal(one.labels_, four.labels_)
    np.testing.assert_allclose(one.cluster_centers_ / 2, four.cluster_centers_, rtol=1e-10)
    assert four.inertia_ == pytest.approx(one.inertia_ / 4, rel=1e-10)


@pytest.mark.parametrize("curvature", [0.0, -1.0])
def test_a_whole_weight_is_a_repeated_code(curvature, rng):
    codes = rng.normal(size=(60, 2))
    weights = rng.integers(0, 4, 60)
    weighted = HyperbolicKMeans(3, curvature=curvature, n_init=30, tol=1e-10)
    weighted.fit(codes, sample_weight=weights.astype(float))
    repeated = HyperbolicKMeans(3, curvature=curvature, n_init=30, tol=1e-10)
    repeated.fit(np.repeat(codes, weights, axis=0))
    assert weighted.inertia_ == pytest.approx(repeated.inertia_, rel=1e-8)
    np.testing.assert_allclose(
        weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-6, atol=1e-8
    )
    assert weighted.labels_.shape == (60,)


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
def test_transform_agrees_with_60_digits(curvature, rng):
    codes = rng.normal(size=(20, 3)) * rng.uniform(0, 4, (20, 1))
    model = HyperbolicKMeans(4, curvature=curvature).fit(codes)
    expected = [
        [reference_distance(u, m, curvature) for m in model.cluster_centers_] for u in codes
    ]
    np.testing.assert_allclose(model.transform(codes), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
def test_clusters_far_out_on_one_ray_are_told_apart(dtype, rng):
    # Ball coordinates are 1 to the last digit for all of these.
    radius = np.repeat([20.0, 30.0, 40.0], 50)
    codes = np.stack([radius + 0.3 * rng.normal(size=150), np.zeros(150)], axis=1).astype(dtype)
    model = HyperbolicKMeans(3).fit(codes)
    np.testing.assert_array_equal(model.labels_, np.repeat([0, 1, 2], 50))
    np.testing.assert_allclose(model.cluster_centers_[:, 0], [20, 30, 40], atol=0.3)
    assert np.isfinite(model.inertia_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
def test_huge_codes_do_not_overflow(dtype, rng):
    codes = rng.normal(size=(300, 2)).astype(dtype)
    codes[:3] = [[1e3, 0], [-1e5, 1e5], [0, 3e30]]
    model = HyperbolicKMeans(3).fit(codes)
    assert np.isfinite(model.cluster_centers_).all()
    assert np.isfinite(model.inertia_)
    assert np.isfinite(model.transform(codes)).all()


def test_labels_are_ordered_by_distance_from_the_origin(rng):
    model = HyperbolicKMeans(6).fit(blobs(rng, clusters=6)[0])
    sizes = np.linalg.norm(model.cluster_centers_, axis=1)
    assert (np.diff(sizes) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
def test_same_seed_same_labels_for_any_threads(dtype, rng):
    codes = rng.normal(size=(60_000, 2)).astype(dtype)
    one, again, three = (
        HyperbolicKMeans(8, max_iter=20, n_init=3, n_threads=count).fit(codes)
        for count in (1, 1, 3)
    )
    for other in (again, three):
        np.testing.assert_array_equal(one.labels_, other.labels_)
        np.testing.assert_array_equal(one.cluster_centers_, other.cluster_centers_)
        assert one.inertia_ == other.inertia_


def test_single_precision_finds_what_double_finds(rng):
    codes, _ = blobs(rng, points=30_000)
    one, two = (HyperbolicKMeans(5).fit(codes.astype(d)) for d in (np.float32, np.float64))
    assert one.inertia_ == pytest.approx(two.inertia_, rel=1e-5)
    assert (one.labels_ != two.labels_).mean() < 1e-3


def test_few_codes_in_a_crowd_of_copies_still_get_their_clusters():
    codes = np.zeros((50_000, 2), dtype=np.float32)
    codes[:3] = [[1, 0], [0, 1], [-1, 0]]
    for curvature in (0.0, -1.0):
        model = HyperbolicKMeans(4, curvature=curvature, n_init=2).fit(codes)
        assert np.bincount(model.labels_).tolist() == [49_997, 1, 1, 1]
        assert model.inertia_ == pytest.approx(0.0, abs=1e-6)


def test_many_clusters_and_dimensions(rng):
    codes, truth = blobs(rng, points=4000, clusters=70, dim=10, dtype=np.float32)
    model = HyperbolicKMeans(70, n_init=3).fit(codes)
    assert adjusted_rand_score(truth, model.labels_) > 0.75


def test_more_clusters_than_distinct_codes_are_refused(rng):
    codes = np.repeat(rng.normal(size=(3, 2)), 1000, axis=0)
    with pytest.raises(ClusterCountError, match="it is 4 for 3 distinct codes among 3000"):
        HyperbolicKMeans(4).fit(codes)
    HyperbolicKMeans(3).fit(codes)


def test_codes_of_no_weight_do_not_count_as_distinct(rng):
    codes = rng.normal(size=(4, 2))
    with pytest.raises(ClusterCountError, match="it is 3 for 2 distinct"):
        HyperbolicKMeans(3).fit(codes, sample_weight=np.array([1.0, 1.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"curvature": 1.0}, "curvature must be negative, or 0 for flat space, and it is 1.0"),
        ({"n_clusters": 0}, "n_clusters must be at least 1, and it is 0"),
        ({"n_init": 0}, "n_init must be at least 1"),
        ({"max_iter": -3}, "max_iter must be at least 1, and it is -3"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, message, rng):
    with pytest.raises(SettingsError, match=message):
        HyperbolicKMeans(**settings).fit(rng.normal(size=(20, 2)))


def test_codes_and_weights_must_be_finite(rng):
    codes = rng.normal(size=(20, 2))
    codes[3, 1] = np.nan
    with pytest.raises(SettingsError, match="codes must be finite, and 1 of 20 are not"):
        HyperbolicKMeans(2).fit(codes)
    with pytest.raises(SettingsError, match="finite weights ≥ 0"):
        HyperbolicKMeans(2).fit(rng.normal(size=(20, 2)), sample_weight=np.full(20, -1.0))
    with pytest.raises(SettingsError, match="must not be 0 everywhere"):
        HyperbolicKMeans(2).fit(rng.normal(size=(20, 2)), sample_weight=np.zeros(20))


def test_an_estimator_must_be_fitted_first(rng):
    with pytest.raises(NotFittedError, match="Call fit"):
        HyperbolicKMeans(2).predict(rng.normal(size=(20, 2)))


def test_score_is_minus_the_inertia(rng):
    codes, weights = rng.normal(size=(300, 2)), rng.uniform(0.5, 2.0, 300)
    model = HyperbolicKMeans(4, curvature=-0.5).fit(codes, sample_weight=weights)
    assert model.score(codes, sample_weight=weights) == pytest.approx(-model.inertia_, rel=1e-12)
    squared = model.transform(codes).min(axis=1) ** 2
    assert model.score(codes) == pytest.approx(-squared.sum(), rel=1e-9)


def test_fit_transform_is_fit_and_then_transform(rng):
    codes = rng.normal(size=(100, 2))
    found = HyperbolicKMeans(3).fit_transform(codes)
    np.testing.assert_array_equal(found, HyperbolicKMeans(3).fit(codes).transform(codes))


def test_codes_may_be_lists_and_integers():
    codes = [[0, 0], [0, 0], [2, 2], [2, 2]]
    model = HyperbolicKMeans(2).fit(codes)
    assert model.labels_.tolist() == [0, 0, 1, 1]
    assert model.n_features_in_ == 2


@pytest.mark.parametrize("method", ["predict", "transform", "score"])
def test_codes_must_have_the_dimension_of_the_fit(method, rng):
    model = HyperbolicKMeans(2).fit(rng.normal(size=(20, 3)))
    ask = {"predict": model.predict, "transform": model.transform, "score": model.score}[method]
    with pytest.raises(SettingsError, match="X has 2 features, but HyperbolicKMeans is expecting"):
        ask(rng.normal(size=(20, 2)))


def _skip_before_tags():
    if "on_fail" not in signature(estimator_checks.check_estimator).parameters:
        pytest.skip("before scikit-learn 1.6 estimators had to inherit its tags")


@pytest.mark.slow
def test_scikit_learns_checks_pass():
    # No check is expected to fail; only what is not installed, or not switched on, is left out. In
    # a process of its own, for beartype would refuse what the checks give to __init__.
    code = """if True:
        import warnings
        from sklearn.utils.estimator_checks import check_estimator
        from gyrovox.clustering import HyperbolicKMeans
        warnings.filterwarnings("ignore", "Estimator HyperbolicKMeans does not inherit")
        done = check_estimator(HyperbolicKMeans(3, n_threads=1), on_skip=None, on_fail=None)
        failed = [one for one in done if one["status"] == "failed"]
        assert not failed, failed
        assert sum(one["status"] == "passed" for one in done) > 45
    """
    _skip_before_tags()
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("readonly_memmap", [False, True])
def test_scikit_learns_checks_of_clusterers_pass(readonly_memmap):
    # check_estimator keeps these for classes that inherit from ClusterMixin.
    _skip_before_tags()
    name = "HyperbolicKMeans"
    estimator_checks.check_clustering(name, HyperbolicKMeans(), readonly_memmap=readonly_memmap)
    estimator_checks.check_clusterer_compute_labels_predict(name, HyperbolicKMeans())
