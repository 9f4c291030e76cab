"""One small specimen with something of everything, which many tests look at."""

import pytest

from gyrovox.tomography.simulation import ImagingRecipe, Specimen, SpecimenRecipe, make_specimen


@pytest.fixture(scope="session")
def recipe() -> SpecimenRecipe:
    return SpecimenRecipe(
        shape=(34, 56, 58),
        voxel_size_nm=4.0,
        virions=1,
        virion_diameter_nm=(80.0, 86.0),
        spikes_per_virion=12.0,
        lumps_per_virion=6,
        vesicles=2,
        vesicle_diameter_nm=(40.0, 60.0),
        cargo_per_vesicle=1,
        ribosomes=2,
        shells=2,
        gold=3,
        crowding=0.05,
    )


@pytest.fixture(scope="session")
def small(recipe) -> Specimen:
    return make_specimen(1, recipe)


@pytest.fixture(scope="session")
def imaging() -> ImagingRecipe:
    return ImagingRecipe(tilt_step_degrees=15.0)
