"""What to cite for a run."""

import re
from dataclasses import replace

import pytest

from gyrovox.settings import CATALOGUE, ModelSettings, SegmentationSettings
from gyrovox.settings.citations import citations, cited

DEFAULT = CATALOGUE["default"]
ALWAYS = {"hsu2021capturing"}
HYPERBOLIC = {"mathieu2019continuous", "lou2020differentiating"}
TREE = {
    "green1988transformation",
    "mumford1989optimal",
    "guigues2006scalesets",
    "perret2019higra",
    "besag1986statistical",
}
WRAPPED, GYROPLANES = {"nagano2019wrapped"}, {"ganea2018hyperbolic"}
DENOISED, KMEANS, JOINED = {"rudin1992nonlinear"}, {"arthur2007kmeans"}, {"shimizu2021hyperbolic"}


def model(**differs):
    return replace(DEFAULT, model=replace(ModelSettings(), **differs))


def segmentation(**differs):
    return replace(DEFAULT, segmentation=replace(SegmentationSettings(), **differs))


@pytest.mark.parametrize(
    ("configuration", "wanted"),
    [
        (DEFAULT, ALWAYS | HYPERBOLIC | WRAPPED | GYROPLANES | DENOISED | TREE),
        (CATALOGUE["euclidean"], ALWAYS | DENOISED | TREE),
        (CATALOGUE["paper"], ALWAYS | HYPERBOLIC | WRAPPED | GYROPLANES | KMEANS),
        (
            segmentation(clustering="kmeans"),
            ALWAYS | HYPERBOLIC | WRAPPED | GYROPLANES | KMEANS | DENOISED,
        ),
        (model(posterior="riemannian-normal"), ALWAYS | HYPERBOLIC | GYROPLANES | DENOISED | TREE),
        (model(first_layer="tangent"), ALWAYS | HYPERBOLIC | WRAPPED | DENOISED | TREE),
        (
            model(latent_side=3, latent_spacing=3, gyroplane_window="concatenated"),
            ALWAYS | HYPERBOLIC | WRAPPED | GYROPLANES | JOINED | DENOISED | TREE,
        ),
    ],
    ids=["default", "euclidean", "paper", "kmeans", "riemannian", "tangent", "joined window"],
)
def test_the_papers_are_those_of_the_run(configuration, wanted):
    found = citations(configuration)
    assert found[0].key == "hsu2021capturing"
    assert {paper.key for paper in found} == wanted
    assert len(found) == len(wanted)


def test_a_paper_reads_as_a_reference():
    (method, *_) = citations(DEFAULT)
    assert method.text.startswith("Hsu, J., Gu, J., Wu, G.-H., Chiu, W. & Yeung, S. (2021). Captur")
    assert method.text.endswith("https://arxiv.org/abs/2012.01644")
    (alone,) = [paper for paper in citations(DEFAULT) if paper.key == "besag1986statistical"]
    assert alone.text.startswith("Besag, J. (1986). On the statistical")


def test_every_paper_is_a_bibtex_entry_of_its_own():
    papers = citations(DEFAULT)
    text = cited(DEFAULT)
    entries = re.findall(r"^@(article|inproceedings)\{(\w+),$", text, re.MULTILINE)
    assert [key for _, key in entries] == [paper.key for paper in papers]
    assert text.count("{") == text.count("}")
    kinds = {key: kind for kind, key in entries}
    assert kinds["besag1986statistical"] == "article"
    assert "  journal = {Physica D 60}," in text
    assert kinds["hsu2021capturing"] == "inproceedings"
    for paper in papers:
        assert f"{paper.text}  [{paper.used_for}]" in text
