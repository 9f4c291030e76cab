import numpy as np
import torch

from gyrovox.tomography import TiltGeometry, backproject, project
from gyrovox.tomography.reconstruction.section_rays import SectionRays

TILTS = np.array([-50.0, 0.0, 20.0])


def test_sections_are_projected_as_whole_volumes_are(monkeypatch):
    monkeypatch.setattr(
        "gyrovox.tomography.reconstruction.section_rays.sections_at_once", lambda *_: 3
    )
    rays = SectionRays(TILTS, (7, 10), 13)
    density, images = torch.randn(7, 4, 10), torch.randn(3, 4, 13)
    rows = rays.project(density.permute(0, 2, 1).reshape(70, 4))
    wanted = project(density, TiltGeometry.ideal(TILTS), (4, 13))
    torch.testing.assert_close(rows.reshape(3, 13, 4).permute(0, 2, 1), wanted)
    voxels = rays.backproject(images.permute(0, 2, 1).reshape(39, 4))
    wanted = backproject(images, TiltGeometry.ideal(TILTS), (7, 4, 10))
    torch.testing.assert_close(voxels.reshape(7, 10, 4).permute(0, 2, 1), wanted)
    assert rays.voxels == 70
