"""Every error that a user is meant to read.

Each message says what must hold, what came, and what to do. Each class has a built-in parent,
so that a caller may catch it either way; the command line prints it as one line.
"""


class GyrovoxError(Exception):
    """Parent of every error that a user is meant to read."""


class MissingFileError(GyrovoxError, FileNotFoundError):
    """A path that should be a file is absent, or is a directory."""

    def __str__(self) -> str:
        return str(self.args[0])


class FileFormatError(GyrovoxError, ValueError):
    """A file's suffix is unknown, or its bytes are not what its header says."""


class VolumeError(GyrovoxError, ValueError):
    """A volume's content cannot be worked with: not 3-D, not finite, constant, too small."""


class VolumeMismatchError(GyrovoxError, ValueError):
    """Two things that must agree do not: channels, shapes, or a volume and a model."""


class VoxelSizeError(VolumeMismatchError):
    """A volume and a model disagree about the size of a voxel."""


class OutputExistsError(GyrovoxError, FileExistsError):
    """An output is already there and `overwrite` was not asked for."""

    def __str__(self) -> str:
        return str(self.args[0])


class OutputSpaceError(GyrovoxError, OSError):
    """The disk has no room for what is to be written."""

    def __str__(self) -> str:
        return str(self.args[0])


class ModelFileError(GyrovoxError, ValueError):
    """A model file is no gyrovox model, or one of another version."""


class ClusterCountError(GyrovoxError, ValueError):
    """More clusters were asked for than there are distinct codes."""


class SettingsError(GyrovoxError, ValueError):
    """A setting has a value that it cannot have."""


class NotFittedError(GyrovoxError, ValueError, AttributeError):
    """A segmenter or an estimator was used before `fit`."""


class FormatLossWarning(UserWarning):
    """A format cannot hold all that a volume says; the message names what is lost."""


class FileAccessError(GyrovoxError, PermissionError):
    """A file or folder may not be read, or may not be written, by this user."""

    def __str__(self) -> str:
        return str(self.args[0])


class TrainingError(GyrovoxError, ArithmeticError):
    """Training went where no numbers are."""


class TreeError(GyrovoxError, ValueError):
    """A segmentation tree that is none, or a node or a cut that a tree does not have."""


class TreeFileError(GyrovoxError, ValueError):
    """A tree file is no tree of gyrovox, one of another version, or not the tree of its leaves."""


class ResultError(GyrovoxError, ValueError):
    """A folder is no result of `gyrovox segment`, or one without a tree, or a damaged one."""


class EditError(GyrovoxError, ValueError):
    """What a person is said to have chosen by hand does not fit the tree that it is of."""


class EditConflictError(GyrovoxError, RuntimeError):
    """Somebody else saved edits of the same result in the meantime."""


class WorkerLostError(GyrovoxError, RuntimeError):
    """A piece of work took the worker that ran it down, again and again."""


class SchedulerError(GyrovoxError, ConnectionError):
    """A cluster's scheduler is not there, went away, or has no workers."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingExtraError(GyrovoxError, ImportError):
    """What was asked for needs packages that only an extra of gyrovox installs."""


class RunMismatchError(GyrovoxError, ValueError):
    """A folder holds the pieces of a run that was another one, or no run's."""


class RunLockedError(GyrovoxError, RuntimeError):
    """Another run is writing into the same folder."""


class DamagedPieceWarning(UserWarning):
    """A finished piece of a run is not what was written; the message says that it is made again."""


class CheckpointError(GyrovoxError, ValueError):
    """A checkpoint of a training run is none, is damaged, or is one of another version."""


class RequestError(GyrovoxError, ValueError):
    """A request to the explorer is not what it must be."""


class AddressError(GyrovoxError, OSError):
    """The explorer cannot listen where it was told to."""

    def __str__(self) -> str:
        return str(self.args[0])


class PictureError(GyrovoxError, ValueError):
    """A picture that cannot be drawn of a result; the message says what is missing."""


class TiltSeriesError(GyrovoxError, ValueError):
    """A tilt series lacks what it must have, or its parts do not belong together."""


class AlignmentError(GyrovoxError, ValueError):
    """A tilt series shows too little to be aligned by."""


class ParticleError(GyrovoxError, ValueError):
    """A table of particles holds what no particle can be, or lacks what is needed."""
