import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings import TrainingSettings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"steps": 0}, "training.steps must be at least 1, got 0"),
        ({"batches": 0}, "training.batches must be at least 1, got 0"),
        ({"crop_size": 0}, "training.crop_size must be at least 1, got 0"),
        ({"positions": 0}, "training.positions must be at least 1"),
        ({"batch_size": -1}, "training.batch_size must be at least 1, got -1"),
        ({"embed_side": 0}, "training.embed_side must be at least 1"),
        ({"kl_weight": -0.5}, "training.kl_weight must be 0 or positive, got -0.5"),
        ({"triplet_weight": -1.0}, "training.triplet_weight must be 0 or positive"),
        ({"triplet_margin": -1.0}, "training.triplet_margin must be 0 or positive"),
        ({"jitter": -1}, "training.jitter must be 0 or positive, got -1"),
        ({"triplets": -1}, "training.triplets must be 0 or positive"),
        ({"missing_wedge": (60.0, -60.0)}, r"missing_wedge must be .* got \(60.0, -60.0\)"),
        ({"missing_wedge": (-95.0, 60.0)}, "between -90 and 90 degrees, such as -60 60"),
        ({"learning_rate": 0.0}, "training.learning_rate must be positive, got 0"),
        ({"learning_rate": float("nan")}, "training.learning_rate must be positive, got nan"),
        ({"scales": ()}, r"must begin with 1 and grow, such as 1 2 4; got \(\)"),
        ({"scales": (2, 4)}, r"must begin with 1 and grow, .* got \(2, 4\)"),
        ({"scales": (1, 4, 2)}, "must begin with 1 and grow"),
        ({"scales": (1, 2, 2)}, "must begin with 1 and grow"),
        ({"parent_sides": (35, 5)}, r"parent_sides must be a smallest and a largest .*\(35, 5\)"),
        ({"child_sides": (0, 5)}, r"child_sides must be a smallest and a largest side, got \(0, 5"),
        ({"child_gap": 0}, "child_gap at least 1; got 3, 5 and 0"),
        (
            {"child_sides": (4, 5)},
            "smallest child must fit into the smallest parent: .* 4, 5 and 2",
        ),
    ],
)
def test_what_no_training_can_use_is_refused(values, said):
    with pytest.raises(SettingsError, match=said):
        TrainingSettings(**values)


def test_weights_may_be_0():
    settings = TrainingSettings(kl_weight=0.0, triplet_weight=0.0, triplet_margin=0.0, jitter=0)
    assert settings.triplet_weight == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["kl_weight", "triplet_weight", "triplet_margin", "learning_rate"])
def test_numbers_must_be_finite(name, value):
    with pytest.raises(SettingsError, match=rf"training.{name} must be .*positive, got {value}"):
        TrainingSettings(**{name: value})
