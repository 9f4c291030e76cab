"""Denoising of tomograms: filters, and a network that learns from two halves of the images."""

from .filters import Gaussian as Gaussian
from .filters import NonLocalMeans as NonLocalMeans
from .filters import TotalVariation as TotalVariation
from .method import Denoiser as Denoiser
from .noise2noise import Noise2Noise as Noise2Noise
from .tiled import denoise as denoise
from .tiled import denoise_into as denoise_into
from .training import train_noise2noise as train_noise2noise
