"""The manners of a scikit-learn estimator, for those who put one of ours into its tools.

Nothing here needs scikit-learn; what only its tools ask for is taken from it when they ask.
"""

import abc
import importlib
import inspect
import sys

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gyrovox.errors import NotFittedError, SettingsError


class Estimator(abc.ABC):
    """What scikit-learn's clone, pipelines, searches and checks want of a clusterer.

    A class that inherits keeps its settings, unchanged, under the names of its parameters.
    """

    n_features_in_: int

    @abc.abstractmethod
    def __init__(self) -> None: ...

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """The settings by name.

        Args:
            deep: Without a meaning here: no setting is an estimator.

        Returns:
            What `__init__` was given.
        """
        return {name: self.__dict__[name] for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: object) -> "Estimator":
        """Change settings.

        Args:
            params: Values by name.

        Returns:
            This estimator.

        Raises:
            SettingsError: If a name is no setting.
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                raise SettingsError(
                    f"Invalid parameter {name!r} for estimator {self}: it must be one of "
                    f"{list(known)}."
                )
        self.__dict__.update(params)
        return self

    def __repr__(self) -> str:
        given = inspect.signature(type(self)).parameters
        parts = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not given[name].default
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __sklearn_tags__(self) -> object:
        """What scikit-learn's tools know of this estimator; only they ask."""
        # By name: this package does not depend on scikit-learn, and only scikit-learn gets here.
        utils = importlib.import_module("sklearn.utils")
        tags: object = utils.Tags(
            estimator_type="clusterer",
            target_tags=utils.TargetTags(required=False),
            transformer_tags=utils.TransformerTags(preserves_dtype=[]),
            input_tags=utils.InputTags(),
        )
        return tags

    def _must_fit(self, features: int) -> None:
        """Refuse codes of another dimension than those that `fit` was given.

        Raises:
            SettingsError: If they have one.
        """
        if features != self.n_features_in_:
            raise SettingsError(
                f"X has {features} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: as many as the codes that it was "
                f"fitted to."
            )


def not_fitted() -> type[NotFittedError]:
    """The class of the error of an estimator that is asked before `fit`.

    Returns:
        Ours; where scikit-learn is loaded, also one of its class of that name, so that its tools
        catch it.
    """
    theirs = sys.modules.get("sklearn.exceptions")
    if theirs is None:
        return NotFittedError
    # Pickled as ours: a class made here could not be found again in another process.
    return type(
        "NotFittedError",
        (NotFittedError, theirs.NotFittedError),
        {"__reduce__": lambda error: (NotFittedError, error.args)},
    )


def checked_codes(given: object) -> NDArray[np.floating]:
    """Codes as an array, float32 if they were and else float64, shape (points, dim).

    Args:
        given: An array, or what becomes one, shape (points, dim).

    Returns:
        The same array where it is one of floats.

    Raises:
        SettingsError: If it is not of two axes, is empty, complex or not finite.
        TypeError: If it is sparse.
    """
    if sparse.issparse(given):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert it."
        )
    codes = np.asarray(given)
    if np.iscomplexobj(codes):
        raise SettingsError("Complex data not supported: codes must be real numbers.")
    if codes.ndim != 2:
        raise SettingsError(
            f"Expected 2D array of codes, shape (points, dim), got {codes.ndim}D array instead, "
            f"shape {codes.shape}. Reshape your data, as with .reshape(-1, dim)."
        )
    if codes.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        codes = codes.astype(np.float64)
    for axis, what in enumerate(("sample(s)", "feature(s)")):
        if codes.shape[axis] == 0:
            raise SettingsError(
                f"Found array with 0 {what} (shape={codes.shape}) while a minimum of 1 is required."
            )
    # Two numbers tell, without an array as large as the codes.
    if not np.isfinite([codes.min(), codes.max()]).all():
        bad = int((~np.isfinite(codes)).any(axis=1).sum())
        raise SettingsError(
            f"codes must be finite, and {bad} of {len(codes)} are not: they hold NaN or infinity. "
            f"Did training diverge?"
        )
    return codes


def checked_weights(given: object, points: int) -> NDArray[np.float64] | None:
    """Weights as float64, shape (points,); None where none were given.

    Args:
        given: Weights ≥ 0, shape (points,), or one for all; None for 1.
        points: Number of codes.

    Returns:
        The weights.

    Raises:
        SettingsError: If one is negative or not finite, or all are 0.
    """
    if given is None:
        return None
    weights = np.asarray(given, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(points, weights)
    if weights.shape != (points,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise SettingsError(
            f"sample_weight must be {points} finite weights ≥ 0, one for each code, and it has "
            f"shape {weights.shape} and least value {weights.min(initial=np.inf)}."
        )
    if not weights.any():
        raise SettingsError("sample_weight must not be 0 everywhere, and it is zero for all codes.")
    return weights
