"""The papers that a configuration stands on: what to cite for a result that was made with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from gyrovox.settings.configuration import Configuration


@final
@dataclass(frozen=True, kw_only=True)
class Citation:
    """A paper, and what of it was used."""

    key: str
    """Name of the BibTeX entry."""

    used_for: str
    """What of it was used, in a few words."""

    authors: str
    """Authors, as BibTeX wants them: ``Family, Given and Family, Given``."""

    title: str
    """Title."""

    where: str
    """Journal or proceedings."""

    year: int
    """Year."""

    url: str
    """Where it is found."""

    is_article: bool = False
    """Whether it appeared in a journal."""

    @property
    def text(self) -> str:
        """The paper as a line of a list of references."""
        names = [_initialled(name) for name in self.authors.split(" and ")]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} & {names[-1]}"
        return f"{listed} ({self.year}). {self.title}. {self.where}. {self.url}"

    @property
    def bibtex(self) -> str:
        """The paper as a BibTeX entry."""
        kind, venue = ("article", "journal") if self.is_article else ("inproceedings", "booktitle")
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            venue: self.where,
            "year": str(self.year),
            "url": self.url,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])


def citations(configuration: Configuration) -> tuple[Citation, ...]:
    """The papers that a run with a configuration used, the method's first.

    Args:
        configuration: All settings of the run.

    Returns:
        The papers, each once.
    """
    return tuple(paper for paper, is_used in _PAPERS if is_used(configuration))


def cited(configuration: Configuration) -> str:
    """What to cite for a run with a configuration: a list of references, then BibTeX.

    Args:
        configuration: All settings of the run.

    Returns:
        Text that ends in a line break.
    """
    return "\n".join(_lines(citations(configuration))) + "\n"


def _lines(papers: Sequence[Citation]) -> Iterator[str]:
    for paper in papers:
        yield f"{paper.text}  [{paper.used_for}]"
    for paper in papers:
        yield ""
        yield paper.bibtex


def _initialled(name: str) -> str:
    """``Hsu, Joy`` as ``Hsu, J.``; ``Wu, Gong-Her`` as ``Wu, G.-H.``."""
    family, _, given = name.partition(", ")
    parts = ["-".join(f"{half[0]}." for half in word.split("-")) for word in given.split() if word]
    return f"{family}, {' '.join(parts)}"


def _always(_: Configuration) -> bool:
    return True


def _is_hyperbolic(configuration: Configuration) -> bool:
    return configuration.model.geometry == "poincare"


def _has_gyroplanes(configuration: Configuration) -> bool:
    return _is_hyperbolic(configuration) and (
        configuration.model.first_layer == "gyroplane" or configuration.model.latent_side > 1
    )


def _joins_windows(configuration: Configuration) -> bool:
    model = configuration.model
    return (
        _is_hyperbolic(configuration)
        and model.latent_side > 1
        and model.gyroplane_window == "concatenated"
    )


def _is_wrapped(configuration: Configuration) -> bool:
    return _is_hyperbolic(configuration) and configuration.model.posterior == "wrapped-normal"


def _is_tree(configuration: Configuration) -> bool:
    return configuration.segmentation.clustering == "tree"


def _denoises(configuration: Configuration) -> bool:
    # Cartoon and texture for the tree; the map of codes for k-means.
    return _is_tree(configuration) or configuration.segmentation.smoothing > 0


def _is_kmeans(configuration: Configuration) -> bool:
    return not _is_tree(configuration)


_PAPERS: tuple[tuple[Citation, Callable[[Configuration], bool]], ...] = (
    (
        Citation(
            key="hsu2021capturing",
            used_for="the method: codes of patches, learned without labels",
            authors="Hsu, Joy and Gu, Jeffrey and Wu, Gong-Her and Chiu, Wah and Yeung, Serena",
            title="Capturing implicit hierarchical structure in 3D biomedical images with "
            "self-supervised hyperbolic representations",
            where="Advances in Neural Information Processing Systems 34",
            year=2021,
            url="https://arxiv.org/abs/2012.01644",
        ),
        _always,
    ),
    (
        Citation(
            key="mathieu2019continuous",
            used_for="the variational autoencoder on the Poincaré ball",
            authors="Mathieu, Emile and Le Lan, Charline and Maddison, Chris J. and Tomioka, Ryota "
            "and Teh, Yee Whye",
            title="Continuous hierarchical representations with Poincaré variational auto-encoders",
            where="Advances in Neural Information Processing Systems 32",
            year=2019,
            url="https://arxiv.org/abs/1901.06033",
        ),
        _is_hyperbolic,
    ),
    (
        Citation(
            key="nagano2019wrapped",
            used_for="the wrapped normal distribution of codes",
            authors="Nagano, Yoshihiro and Yamaguchi, Shoichiro and Fujita, Yasuhiro and Koyama, "
            "Masanori",
            title="A wrapped normal distribution on hyperbolic space for gradient-based learning",
            where="International Conference on Machine Learning",
            year=2019,
            url="https://arxiv.org/abs/1902.02992",
        ),
        _is_wrapped,
    ),
    (
        Citation(
            key="ganea2018hyperbolic",
            used_for="gyroplanes",
            authors="Ganea, Octavian-Eugen and Bécigneul, Gary and Hofmann, Thomas",
            title="Hyperbolic neural networks",
            where="Advances in Neural Information Processing Systems 31",
            year=2018,
            url="https://arxiv.org/abs/1805.09112",
        ),
        _has_gyroplanes,
    ),
    (
        Citation(
            key="shimizu2021hyperbolic",
            used_for="the joined window of the gyroplane convolution",
            authors="Shimizu, Ryohei and Mukuta, Yusuke and Harada, Tatsuya",
            title="Hyperbolic neural networks++",
            where="International Conference on Learning Representations",
            year=2021,
            url="https://arxiv.org/abs/2006.08210",
        ),
        _joins_windows,
    ),
    (
        Citation(
            key="lou2020differentiating",
            used_for="Fréchet means of codes",
            authors="Lou, Aaron and Katsman, Isay and Jiang, Qingxuan and Belongie, Serge and Lim, "
            "Ser-Nam and De Sa, Christopher",
            title="Differentiating through the Fréchet mean",
            where="International Conference on Machine Learning",
            year=2020,
            url="https://arxiv.org/abs/2003.00335",
        ),
        _is_hyperbolic,
    ),
    (
        Citation(
            key="rudin1992nonlinear",
            used_for="total variation",
            authors="Rudin, Leonid I. and Osher, Stanley and Fatemi, Emad",
            title="Nonlinear total variation based noise removal algorithms",
            where="Physica D 60",
            year=1992,
            url="https://doi.org/10.1016/0167-2789(92)90242-F",
            is_article=True,
        ),
        _denoises,
    ),
    (
        Citation(
            key="green1988transformation",
            used_for="features in units of their noise",
            authors="Green, Andrew A. and Berman, Mark and Switzer, Paul and Craig, Maurice D.",
            title="A transformation for ordering multispectral data in terms of image quality with "
            "implications for noise removal",
            where="IEEE Transactions on Geoscience and Remote Sensing 26",
            year=1988,
            url="https://doi.org/10.1109/36.3001",
            is_article=True,
        ),
        _is_tree,
    ),
    (
        Citation(
            key="mumford1989optimal",
            used_for="the energy whose scale-sets the supervoxels are",
            authors="Mumford, David and Shah, Jayant",
            title="Optimal approximations by piecewise smooth functions and associated variational "
            "problems",
            where="Communications on Pure and Applied Mathematics 42",
            year=1989,
            url="https://doi.org/10.1002/cpa.3160420503",
            is_article=True,
        ),
        _is_tree,
    ),
    (
        Citation(
            key="guigues2006scalesets",
            used_for="scale-sets: supervoxels by the Mumford-Shah criterion",
            authors="Guigues, Laurent and Cocquerez, Jean Pierre and Le Men, Hervé",
            title="Scale-sets image analysis",
            where="International Journal of Computer Vision 68",
            year=2006,
            url="https://doi.org/10.1007/s11263-005-6299-0",
            is_article=True,
        ),
        _is_tree,
    ),
    (
        Citation(
            key="perret2019higra",
            used_for="the library of region trees",
            authors="Perret, Benjamin and Chierchia, Giovanni and Cousty, Jean and Guimarães, "
            "Silvio Jamil F. and Kenmochi, Yukiko and Najman, Laurent",
            title="Higra: Hierarchical graph analysis",
            where="SoftwareX 10",
            year=2019,
            url="https://doi.org/10.1016/j.softx.2019.100335",
            is_article=True,
        ),
        _is_tree,
    ),
    (
        Citation(
            key="besag1986statistical",
            used_for="boundaries that are redrawn voxel by voxel",
            authors="Besag, Julian",
            title="On the statistical analysis of dirty pictures",
            where="Journal of the Royal Statistical Society B 48",
            year=1986,
            url="https://doi.org/10.1111/j.2517-6161.1986.tb01412.x",
            is_article=True,
        ),
        _is_tree,
    ),
    (
        Citation(
            key="arthur2007kmeans",
            used_for="where k-means begins",
            authors="Arthur, David and Vassilvitskii, Sergei",
            title="k-means++: The advantages of careful seeding",
            where="ACM-SIAM Symposium on Discrete Algorithms",
            year=2007,
            url="https://dl.acm.org/doi/10.5555/1283383.1283494",
        ),
        _is_kmeans,
    ),
)
