import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from gyrovox.clustering import clean_labels
from gyrovox.errors import SettingsError

FLIPS = [(), (0,), (1,), (2,), (0, 1, 2)]


def blobs(seed, shape=(7, 8, 9), classes=3, smooth=0.6):
    """Classes in blobs, with many specks among them."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return np.digitize(field, np.quantile(field, np.arange(1, classes) / classes)).astype(np.uint8)


def components(labels, inside):
    """Masks of the components of all classes."""
    for value in np.unique(labels[inside]):
        numbered, count = ndimage.label((labels == value) & inside)
        for number in range(1, count + 1):
            yield value, numbered == number


def shared_faces(one, other):
    return sum(
        np.count_nonzero(np.roll(one, step, axis)[edge] & other[edge])
        for axis in range(3)
        for step, edge in (
            (1, (slice(None),) * axis + (slice(1, None),)),
            (-1, (slice(None),) * axis + (slice(None, -1),)),
        )
    )


def after_going(labels, inside, going):
    """The definition, component by component: each asks those that stay, round by round."""
    labels, waiting = labels.copy(), list(going)
    while True:
        stays = inside.copy()
        for mask in waiting:
            stays &= ~mask
        answers = []
        for mask in waiting:
            faces = {
                value: shared_faces(mask, (labels == value) & stays)
                for value in np.unique(labels[inside])
            }
            answers.append(max(faces, key=lambda value: (faces[value], -int(value))))
            if faces[answers[-1]] == 0:
                answers[-1] = None
        if all(answer is None for answer in answers):
            return labels
        for mask, answer in zip(waiting, answers, strict=True):
            if answer is not None:
                labels[mask] = answer
        waiting = [mask for mask, answer in zip(waiting, answers, strict=True) if answer is None]


def without_specks(labels, inside, smallest):
    going = [mask for _, mask in components(labels, inside) if mask.sum() < smallest]
    return after_going(labels, inside, going)


def without_second_pieces(labels, inside):
    pieces = {}
    for value, mask in components(labels, inside):
        pieces.setdefault(value, []).append(mask)
    going = []
    for masks in pieces.values():
        largest = int(np.argmax([mask.sum() for mask in masks]))
        going += masks[:largest] + masks[largest + 1 :]
    return after_going(labels, inside, going)


@pytest.fixture(params=[False, True], ids=["everywhere", "in a mask"])
def inside(request):
    if not request.param:
        return np.ones((7, 8, 9), np.bool_)
    return np.linalg.norm(np.indices((7, 8, 9)).T - [3, 4, 4], axis=-1).T < 4


@pytest.mark.parametrize("smallest", [2, 5, 40])
@pytest.mark.parametrize("seed", range(4))
def test_specks_take_the_class_that_the_definition_gives(seed, smallest, inside):
    labels = blobs(seed)
    expected = without_specks(labels, inside, smallest)
    cleaned = clean_labels(labels, smallest=smallest, inside=inside)
    np.testing.assert_array_equal(cleaned, expected)
    assert (cleaned != labels).any()


@pytest.mark.parametrize("seed", range(4))
def test_second_pieces_take_the_class_that_the_definition_gives(seed, inside):
    labels = blobs(seed)
    expected = without_second_pieces(labels, inside)
    cleaned = clean_labels(labels, largest_component=True, inside=inside)
    np.testing.assert_array_equal(cleaned, expected)
    assert (cleaned != labels).any()


@pytest.mark.parametrize("most", [1, 4, 10**6])
@pytest.mark.parametrize("seed", range(4))
def test_holes_of_an_object_are_those_of_scipy(seed, most):
    pieces, _ = ndimage.label(np.random.default_rng(seed).random((12, 13, 14)) > 0.3)
    labels = (pieces == np.bincount(pieces.ravel())[1:].argmax() + 1).astype(np.int16)
    holes, count = ndimage.label(ndimage.binary_fill_holes(labels) & (labels == 0))
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    expected = np.where((holes > 0) & (sizes[holes] <= most), 1, labels)
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=most), expected)
    assert (expected != labels).any()


def in_layers(*widths):
    """Boxes within boxes of the classes 0, 1, 2, ..., each `width` voxels thick."""
    side = 2 * sum(widths) + 3
    labels = np.full((side,) * 3, len(widths), np.uint8)
    depth = np.minimum(np.indices((side,) * 3), side - 1 - np.indices((side,) * 3)).min(axis=0)
    for layer in reversed(range(len(widths))):
        labels[depth < sum(widths[: layer + 1])] = layer
    return labels


def test_a_hole_takes_the_class_around_it():
    labels = in_layers(2)
    assert (clean_labels(labels, fill_holes=27) == 0).all()
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=26), labels)


def test_a_hole_at_the_edge_is_none():
    labels = in_layers(1)
    np.testing.assert_array_equal(clean_labels(labels[1:], fill_holes=27), labels[1:])
    labels, inside = in_layers(2), np.ones((7, 7, 7), np.bool_)
    inside[0, 3, 3] = False  # a voxel away from the hole
    assert (clean_labels(labels, fill_holes=27, inside=inside) == 0).all()
    inside[1, 3, 3] = False
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=27, inside=inside), labels)


def test_a_hole_in_a_single_slice_is_one():
    labels = in_layers(1)[2:3]
    assert (clean_labels(labels, fill_holes=9) == 0).all()


def test_what_touches_two_classes_is_no_hole():
    labels = in_layers(2)
    labels[3, 3, 1] = 5
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=100), labels)
    labels[3, 3, 2] = 0
    assert (clean_labels(labels, fill_holes=100) == 0).all()


def test_a_hole_within_a_hole_goes_with_it():
    layers = in_layers(1, 1)
    labels = np.where(layers == 1, 1, 0)  # a ball of 27 voxels in a shell of 98, both enclosed
    assert (clean_labels(labels, fill_holes=98) == 0).all()
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=97), np.where(layers == 0, 0, 1))


def test_what_becomes_a_hole_is_filled_too():
    labels = in_layers(1, 1)  # the shell touches two classes until its inside is filled
    assert (clean_labels(labels, fill_holes=125) == 0).all()
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=124), np.minimum(labels, 1))


def test_a_speck_takes_the_class_of_its_longest_boundary_and_on_a_tie_the_lowest():
    labels = np.zeros((3, 3, 8), np.int32)
    labels[..., 4:] = -3
    labels[1, 1, 4] = 9  # five faces to -3, one to 0
    assert clean_labels(labels, smallest=2)[1, 1, 4] == -3
    labels[1, 1, 4], labels[1, 1:2, 3:5] = -3, 9  # five and five
    assert (clean_labels(labels, smallest=3)[1, 1, 3:5] == -3).all()


def test_specks_among_specks_follow_one_by_one():
    labels = np.array([[[1, 1, 1, 2, 3, 4, 5]]], np.uint8)
    assert (clean_labels(labels, smallest=2) == 1).all()


def test_where_nothing_stays_nothing_changes():
    labels = np.arange(27, dtype=np.uint16).reshape(3, 3, 3)
    np.testing.assert_array_equal(clean_labels(labels, smallest=5), labels)
    island = np.zeros((1, 1, 5), np.bool_)
    island[..., :3] = island[..., 4] = True
    line = np.array([[[1, 1, 2, 2, 2]]], np.uint8)
    np.testing.assert_array_equal(
        clean_labels(line, smallest=2, inside=island), np.array([[[1, 1, 1, 2, 2]]], np.uint8)
    )
    assert (clean_labels(line, smallest=2, inside=np.zeros_like(island)) == line).all()


def test_holes_are_filled_when_the_specks_are_gone():
    labels = in_layers(2)
    labels[3, 3, :2] = 7  # lets the hole touch two classes
    np.testing.assert_array_equal(clean_labels(labels, fill_holes=27), labels)
    assert (clean_labels(labels, fill_holes=27, smallest=3) == 0).all()


def test_nothing_happens_unless_it_is_asked_for():
    labels = blobs(0)
    assert clean_labels(labels) is labels
    assert clean_labels(labels, smallest=1, inside=labels > 1) is labels


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 30),
    st.integers(0, 30),
    st.booleans(),
    st.booleans(),
)
def test_what_is_promised_of_the_result(seed, smallest, most, largest, masked):
    labels = blobs(seed, shape=(5, 6, 6), classes=4)
    before = labels.copy()
    inside = blobs(seed + 1, shape=(5, 6, 6), classes=2) > 0 if masked else None
    wishes = {"smallest": smallest, "fill_holes": most, "largest_component": largest}
    cleaned = clean_labels(labels, **wishes, inside=inside)
    np.testing.assert_array_equal(labels, before)
    assert cleaned.dtype == labels.dtype
    everywhere = np.ones(labels.shape, np.bool_) if inside is None else inside
    assert (cleaned == labels)[~everywhere].all()
    assert set(np.unique(cleaned)) <= set(np.unique(labels))
    islands, _ = ndimage.label(everywhere)
    for value, mask in components(cleaned, everywhere):
        alone = np.array_equal(mask, islands == islands[mask][0])
        stays = [
            part
            for _, part in components(labels, everywhere & (islands == islands[mask][0]))
            if part.sum() >= smallest
        ]
        assert mask.sum() >= smallest or alone or not stays, value


@pytest.mark.parametrize(
    "wish", [{"smallest": 6}, {"fill_holes": 12}, {"largest_component": True}], ids=str
)
@pytest.mark.parametrize("seed", range(5))
def test_twice_is_once(seed, wish, inside):
    once = clean_labels(blobs(seed, smooth=0.5), **wish, inside=inside)
    np.testing.assert_array_equal(clean_labels(once, **wish, inside=inside), once)


@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_left_in_one_piece(seed):
    cleaned = clean_labels(blobs(seed), largest_component=True)
    assert len(list(components(cleaned, np.ones_like(cleaned, np.bool_)))) == 3


@pytest.mark.parametrize("axes", FLIPS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_the_orientation_does_not_matter(seed, axes):
    labels = blobs(seed)
    inside = blobs(seed + 10, classes=4, smooth=2) > 0
    flipped = clean_labels(
        np.flip(labels, axes), smallest=6, fill_holes=20, inside=np.flip(inside, axes)
    )
    straight = clean_labels(labels, smallest=6, fill_holes=20, inside=inside)
    np.testing.assert_array_equal(np.flip(flipped, axes), straight)
    turned = clean_labels(labels.transpose(2, 0, 1), smallest=6, fill_holes=20)
    np.testing.assert_array_equal(
        turned.transpose(1, 2, 0), clean_labels(labels, smallest=6, fill_holes=20)
    )


@pytest.mark.parametrize("wish", ["smallest", "fill_holes"])
def test_numbers_of_voxels_are_not_negative(wish):
    with pytest.raises(SettingsError, match=f"{wish} must be a number of voxels ≥ 0, got -1"):
        clean_labels(blobs(0), **{wish: -1})


def test_the_mask_has_the_shape_of_the_labels():
    with pytest.raises(Exception, match="Type-check"):
        clean_labels(blobs(0), smallest=2, inside=np.ones((7, 8, 8), np.bool_))
