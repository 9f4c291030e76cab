import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gyrovox.clustering import HyperbolicKMeans
from gyrovox.clustering.estimator import checked_codes, checked_weights, not_fitted
from gyrovox.errors import NotFittedError, SettingsError


def test_params_are_what_was_given():
    model = HyperbolicKMeans(5, curvature=-2.0)
    assert model.get_params() == {
        "n_clusters": 5,
        "curvature": -2.0,
        "n_init": 10,
        "max_iter": 300,
        "tol": 1e-4,
        "random_state": 0,
        "n_threads": None,
    }
    assert model.set_params(n_init=3, tol=0.1) is model
    assert (model.n_init, model.tol, model.n_clusters) == (3, 0.1, 5)


def test_a_name_that_is_no_setting_is_refused():
    model = HyperbolicKMeans(5)
    with pytest.raises(SettingsError, match=r"Invalid parameter 'k' for estimator Hyper.*n_init"):
        model.set_params(n_clusters=3, k=3)
    assert model.n_clusters == 5


def test_an_estimator_shows_what_differs_from_the_defaults():
    assert repr(HyperbolicKMeans()) == "HyperbolicKMeans()"
    assert repr(HyperbolicKMeans(3, tol=0.5)) == "HyperbolicKMeans(n_clusters=3, tol=0.5)"


def test_clones_and_pipelines_work(seed):
    codes = np.random.default_rng(seed).normal(size=(50, 2))
    model = HyperbolicKMeans(3).fit(codes)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert "labels_" not in vars(again)
    chain = make_pipeline(FunctionTransformer(), again).fit(codes)
    np.testing.assert_array_equal(chain.predict(codes), model.labels_)


def test_unfitted_is_said_in_both_classes_and_survives_pickling():
    error = not_fitted()("Call fit.")
    assert isinstance(error, NotFittedError)
    assert isinstance(error, TheirNotFittedError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is NotFittedError
    assert str(again) == str(error)


def test_nothing_of_it_loads_scikit_learn():
    code = (
        "import sys, numpy as np\n"
        "from gyrovox.clustering import HyperbolicKMeans\n"
        "from gyrovox.errors import NotFittedError\n"
        "model = HyperbolicKMeans(2)\n"
        "try:\n    model.predict(np.eye(2))\n"
        "except NotFittedError as error:\n    assert type(error) is NotFittedError\n"
        "model.fit(np.eye(3)).transform(np.eye(3)); model.get_params(); repr(model)\n"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_floats_are_kept_and_the_rest_becomes_float64():
    for kind in (np.float32, np.float64):
        codes = np.ones((3, 2), kind)
        assert checked_codes(codes) is codes
    for given in (np.ones((3, 2), np.int8), np.ones((3, 2), np.float16), [[1, 2.5]]):
        assert checked_codes(given).dtype == np.float64


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(3), r"Expected 2D array of codes.*got 1D array instead, shape \(3,\)\. Reshape"),
        (np.ones((2, 3, 4)), "got 3D array"),
        (np.ones((0, 3)), r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required"),
        (np.ones((3, 0)), r"0 feature\(s\)"),
        (np.ones((3, 2), complex), "Complex data not supported"),
        (np.array([[np.inf, 0], [0, 0]]), "finite, and 1 of 2 are not: they hold NaN or infinity"),
    ],
    ids=str,
)
def test_what_is_no_set_of_codes_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        checked_codes(given)


def test_sparse_codes_are_refused():
    with pytest.raises(TypeError, match="Sparse data was passed"):
        checked_codes(sparse.csr_array(np.eye(3)))


def test_weights_may_be_one_for_all_or_none():
    assert checked_weights(None, 3) is None
    np.testing.assert_array_equal(checked_weights(2, 3), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(checked_weights([1, 0, 2], 3), [1.0, 0.0, 2.0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0], r"3 finite weights ≥ 0, one for each code, and it has shape \(2,\)"),
        ([1.0, -2.0, 1.0], "least value -2.0"),
        ([1.0, np.nan, 1.0], "finite weights"),
        ([0.0, 0.0, 0.0], "must not be 0 everywhere"),
    ],
    ids=str,
)
def test_what_is_no_set_of_weights_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        checked_weights(given, 3)
