import numpy as np
import pytest
import tree_laws as laws

from gyrovox.napari_plugin.shown_tree import KEY, ShownTree

pytestmark = pytest.mark.napari


@pytest.fixture
def shown():
    return ShownTree.of_tree(laws.random_tree(300), 7)


@pytest.mark.parametrize("leaves", [1, 2, 255, 256, 300, 700])
def test_every_label_is_drawn_in_the_colour_of_the_table(application, leaves):
    from gyrovox.napari_plugin.leaf_layer import colour_map

    shown = ShownTree.of_tree(laws.random_tree(leaves), 7)
    labels = np.arange(leaves + 1).astype(np.min_scalar_type(leaves))
    assert np.allclose(colour_map(shown).map(labels), shown.colour_table)


def test_the_features_say_class_and_path_of_every_leaf(application, shown):
    from gyrovox.napari_plugin.leaf_layer import features

    table = features(shown)
    assert table["index"].tolist() == list(range(1, 301))
    for leaf in (0, 17, 299):
        assert table["class"][leaf] == shown.classes.names[shown.classes.of_leaf[leaf]]
        assert table["path"][leaf] == shown.path_text(leaf)


def test_paths_are_taken_over_where_names_are_the_same(application, shown):
    from gyrovox.napari_plugin.leaf_layer import features

    before = {"path": np.array(["kept"] * 300, object)}
    table = features(shown.at_level(3), before)
    assert set(table["path"]) == {"kept"}
    assert len(set(table["class"])) == 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, {}),
        ((4.0, 2.0, 2.0), {"scale": (4.0, 2.0, 2.0), "units": ("nm", "nm", "nm")}),
    ],
)
def test_a_layer_lies_in_nm_where_voxels_have_a_size(application, size, expected):
    from gyrovox.napari_plugin.leaf_layer import placement

    assert placement(size) == expected


def test_a_layer_carries_its_tree(model, shown):
    from gyrovox.napari_plugin.leaf_layer import leaf_layer

    leaves = np.ones((2, 3, 4), np.uint16)
    data, facts, kind = leaf_layer(leaves, shown, "cell", {"scale": (4, 2, 2)})
    assert kind == "labels"
    layer = model.add_labels(data, **facts)
    assert layer.metadata[KEY] is shown
    assert layer.scale.tolist() == [4, 2, 2]
