"""The detector of virions that comes with gyrovox."""

from pathlib import Path

from gyrovox.particles.detector.particle_detector import ParticleDetector

PATH = Path(__file__).with_name("virions.safetensors")
"""Made by ``gyrovox train-detector -o virions.safetensors``; what is in it says with which seed, on
how many tomograms, for how many steps, and how well it did."""


def virion_detector() -> ParticleDetector:
    """The detector of virions that comes with gyrovox, trained on simulated tomograms only.

    Returns:
        The detector, on the CPU.

    Raises:
        MissingFileError: If it was left out of the installation.
        ModelFileError: If it is damaged.
    """
    return ParticleDetector.load(PATH)
