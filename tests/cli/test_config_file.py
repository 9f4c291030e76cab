"""Settings from a YAML file."""

import pytest

from gyrovox.cli.config_file import read_configuration
from gyrovox.errors import MissingFileError, SettingsError
from gyrovox.settings import CATALOGUE

START = CATALOGUE["paper"]


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "settings.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_what_the_file_does_not_name_stays(written):
    found = read_configuration(written("model:\n  latent_dim: 5\n"), START)
    assert found.model.latent_dim == 5
    assert found.model.encoder == START.model.encoder
    assert found.training == START.training


def test_lists_become_tuples(written):
    wanted = [8] * len(START.model.channels)
    found = read_configuration(written(f"model:\n  channels: {wanted}\n"), START)
    assert found.model.channels == tuple(wanted)


@pytest.mark.parametrize("text", ["", "model: {}\n", "# nothing\n"])
def test_an_empty_file_changes_nothing(written, text):
    assert read_configuration(written(text), START) == START


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle:\n  latent_dim: 2\n", r"no setting is called modle\. Did you mean model\?"),
        (
            "model:\n  latent_dims: 2\n",
            r"no setting is called model\.latent_dims\. Did you mean latent_dim\?",
        ),
        ("zzz: 1\n", r"no setting is called zzz\. It may be model, training, segmentation\."),
        ("model: 3\n", r"model must hold settings by name, got 3"),
        ("- 1\n- 2\n", r"must hold `model:`, `training:` or `segmentation:`, got \[1, 2\]"),
        ("model:\n  latent_dim: many\n", r"model\.latent_dim: .*integer.*got 'many'"),
        ("model:\n  latent_dim: 0\n", r"model\.latent_dim must be at least 1, got 0"),
        ("model: [\n", r"must be YAML: "),
        (b"\xff\xfe\x00", r"must be a YAML text in UTF-8"),
    ],
)
def test_what_is_wrong_is_said(written, text, message):
    with pytest.raises(SettingsError, match=message):
        read_configuration(written(text), START)


def test_a_file_must_be_there(tmp_path):
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(MissingFileError, match="--config must name a YAML file"):
            read_configuration(path, START)


def test_a_yaml_file_runs_no_code(written):
    with pytest.raises(SettingsError, match="must be YAML"):
        read_configuration(written("model: !!python/object/apply:os.getcwd []\n"), START)
