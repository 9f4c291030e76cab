import builtins
import inspect
import pickle

import pytest

from gyrovox import errors
from gyrovox.errors import GyrovoxError

ERRORS = sorted(
    (
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, GyrovoxError) and one is not GyrovoxError
    ),
    key=lambda one: one.__name__,
)
MESSAGE = "it must be so: it is not. Make it so"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_also_a_built_in_one(error):
    built_in = {parent for parent in error.__mro__ if vars(builtins).get(parent.__name__) is parent}
    assert built_in - {Exception, BaseException, object}, "a caller may catch it without gyrovox"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_reads_as_its_message(error):
    assert str(error(MESSAGE)) == MESSAGE


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_comes_back_whole_from_another_process(error):
    back = pickle.loads(pickle.dumps(error(MESSAGE)))
    assert type(back) is error
    assert str(back) == MESSAGE


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_says_when_it_is_raised(error):
    assert error.__doc__
    assert error.__doc__.endswith(".")
    assert error.__name__.endswith("Error")


def test_a_wrong_voxel_size_is_a_mismatch():
    with pytest.raises(errors.VolumeMismatchError, match="nm"):
        raise errors.VoxelSizeError("2 nm and 3 nm")


def test_a_loss_of_a_format_is_a_warning_and_no_error():
    assert issubclass(errors.FormatLossWarning, UserWarning)
    assert not issubclass(errors.FormatLossWarning, GyrovoxError)
