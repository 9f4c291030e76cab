"""Names of pictures."""

from typing import get_args

from gyrovox.report import pictures
from gyrovox.settings import PictureName


def test_every_picture_has_a_function_of_its_name():
    assert set(get_args(PictureName)) <= set(vars(pictures))
