"""The program: which command, with which options, and what becomes of an error."""

import argparse
import contextlib
import dataclasses
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Never

import tyro

from gyrovox.cli.align import Align
from gyrovox.cli.average import AverageParticles
from gyrovox.cli.command import Command, LearningOptions
from gyrovox.cli.config_file import read_configuration
from gyrovox.cli.convert_particles import ConvertParticles
from gyrovox.cli.demo import Demo
from gyrovox.cli.denoise import Denoise
from gyrovox.cli.embed import Embed
from gyrovox.cli.evaluate import Evaluate
from gyrovox.cli.info import Info
from gyrovox.cli.phantom import PhantomCell
from gyrovox.cli.phantom_tomogram import PhantomTomogram
from gyrovox.cli.pick import Pick
from gyrovox.cli.plan import PlanCommand
from gyrovox.cli.plot import Plot
from gyrovox.cli.reconstruct import Reconstruct
from gyrovox.cli.report import Report
from gyrovox.cli.results import stored_segmentation
from gyrovox.cli.segment import Segment
from gyrovox.cli.spikes import Spikes
from gyrovox.cli.terminal import complain, say
from gyrovox.cli.train import Train
from gyrovox.cli.train_detector import TrainDetector
from gyrovox.cli.tutorial_spikes import TutorialSpikes
from gyrovox.cli.view import View
from gyrovox.devices import share_processors
from gyrovox.errors import DamagedPieceWarning, FormatLossWarning, GyrovoxError
from gyrovox.execution.disk_room import is_for_want_of_room
from gyrovox.settings import CATALOGUE

COMMANDS: dict[str, type[Command]] = {
    "demo": Demo,
    "train": Train,
    "embed": Embed,
    "segment": Segment,
    "plan": PlanCommand,
    "evaluate": Evaluate,
    "report": Report,
    "plot": Plot,
    "view": View,
    "phantom cell": PhantomCell,
    "phantom tomogram": PhantomTomogram,
    "align": Align,
    "reconstruct": Reconstruct,
    "denoise": Denoise,
    "train-detector": TrainDetector,
    "pick": Pick,
    "spikes": Spikes,
    "average": AverageParticles,
    "convert-particles": ConvertParticles,
    "tutorial spikes": TutorialSpikes,
    "info": Info,
}

TRACEBACK = "GYROVOX_TRACEBACK"
"""Environment variable that, if set, lets every error keep its traceback."""

_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_NO_MEMORY = "the memory does not suffice. Crop the volume, or take a machine with more."


def main(arguments: Sequence[str] | None = None) -> Never:
    """Run the command that the arguments name, and leave with its exit code.

    Args:
        arguments: Words of the command line after the program's name; those of this process by
            default.

    Raises:
        SystemExit: Always: 0 where all went well, 1 for an error, 2 for wrong usage, 130 where
            the user interrupted it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    share_processors()
    if os.environ.get(TRACEBACK):
        command_of(words).run()
        raise SystemExit(0)
    with _short_warnings(), _termination_as_interrupt():
        raise SystemExit(_exit_code(words))


def _exit_code(words: Sequence[str]) -> int:
    """Run the command; an error becomes one line on the standard error."""
    try:
        command_of(words).run()
        sys.stdout.flush()
    except GyrovoxError as error:
        complain(str(error))
    except KeyboardInterrupt as error:
        complain(str(error) or "interrupted; nothing was left behind.")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`gyrovox info ... | head`): nobody is left to complain to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MemoryError:
        complain(_NO_MEMORY)
    except OSError as error:
        if is_for_want_of_room(error):
            complain("no space left on the disk. Make room, or write to another one with -o.")
        else:
            complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    except Exception as error:  # the last one: a user gets a line
        if _is_no_memory(error):
            complain(_NO_MEMORY)
        else:
            complain(
                f"unexpected {type(error).__name__}: {error}. This is a fault of gyrovox; set "
                f"{TRACEBACK}=1 to see where it arose."
            )
    else:
        return 0
    return 1


def _is_no_memory(error: Exception) -> bool:
    """Whether torch, which does not raise MemoryError, wanted more memory than there is."""
    words = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in words or "out of memory" in words
    )


def command_of(words: Sequence[str]) -> Command:
    """The command that the words name, with its options.

    Raises:
        SystemExit: If they ask for help or for the version, or name no command.
    """
    if not words or words[0] in {"-h", "--help"}:
        say(_help())
        raise SystemExit(0 if words else 2)
    if words[0] == "--version":
        say(_version())
        raise SystemExit(0)
    for name, kind in COMMANDS.items():
        parts = name.split()
        if list(words[: len(parts)]) == parts:
            return _parsed(kind, name, words[len(parts) :])
    if words[0] == "phantom":
        complain("a phantom must be one of: cell, tomogram. See gyrovox phantom cell --help.")
    elif words[0] == "tutorial":
        complain("a tutorial must be one of: spikes. See gyrovox tutorial spikes --help.")
    else:
        complain(f"no command is called {words[0]!r}. It must be one of {', '.join(COMMANDS)}.")
    raise SystemExit(2)


def _parsed(kind: type[Command], name: str, words: Sequence[str]) -> Command:
    default = _default(kind, words)
    return tyro.cli(
        kind,
        prog=f"gyrovox {name}",
        args=list(words),
        default=default,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def _default(kind: type[Command], words: Sequence[str]) -> Command:
    """A command whose options are the defaults, with the settings that its words start from.

    What is required is tyro.MISSING, which is no value of the field's type: so `__init__`, which
    checks types in tests, is not called.
    """
    blank = object.__new__(kind)
    for option in dataclasses.fields(kind):  # type: ignore[arg-type]
        value: object = tyro.MISSING
        if option.default is not dataclasses.MISSING:
            value = option.default
        elif option.default_factory is not dataclasses.MISSING:
            value = option.default_factory()
        if isinstance(value, LearningOptions):
            value = _starting_options(value, words, takes_model=kind in {Segment, PlanCommand})
        object.__setattr__(blank, option.name, value)
    return blank


def _starting_options(
    options: LearningOptions, words: Sequence[str], *, takes_model: bool
) -> LearningOptions:
    """The named configuration, then the file, or a model's, so that flags override all of them."""
    before = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    before.add_argument("--configuration", default=options.configuration)
    before.add_argument("--config", type=Path)
    if takes_model:
        before.add_argument("-m", "--model-file", "--model_file", type=Path)
    found, _ = before.parse_known_args(list(words))
    if takes_model and found.model_file is not None:
        return dataclasses.replace(options, segmentation=stored_segmentation(found.model_file))
    if found.configuration not in CATALOGUE:
        return options  # tyro refuses it, with the choices
    settings = CATALOGUE[found.configuration]
    if found.config is not None:
        settings = read_configuration(found.config, settings)
    return dataclasses.replace(
        options,
        model=settings.model,
        training=settings.training,
        segmentation=settings.segmentation,
    )


def _help() -> str:
    width = max(map(len, COMMANDS)) + 3
    lines = [
        f"  {name:<{width}}{(kind.__doc__ or '').strip().splitlines()[0]}"
        for name, kind in COMMANDS.items()
    ]
    return "\n".join([
        "usage: gyrovox COMMAND ...",
        "",
        "Label-free, multi-level segmentation of 3-D biomedical volumes.",
        "",
        "commands:",
        *lines,
        "",
        "gyrovox COMMAND --help shows the options of a command, gyrovox --version the version.",
        "A VOLUME is a file (.mrc, .nii, .nii.gz, .tif, .ome.zarr, .h5::dataset), or several",
        "joined by commas that are the channels of one volume: flair.nii.gz,t1c.nii.gz.",
    ])


def _version() -> str:
    from importlib.metadata import version

    return f"gyrovox {version('gyrovox')}"


@contextlib.contextmanager
def _short_warnings() -> Iterator[None]:
    """What a format cannot hold, and what was damaged, is said in one line.

    Other warnings are for developers.
    """

    def show(message: Warning | str, *_: object, **__: object) -> None:
        complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", FormatLossWarning)
        warnings.simplefilter("always", DamagedPieceWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let a polite kill (a batch system) and a lost terminal clean up as an interrupt does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # Under nohup, SIGHUP is ignored, and must stay so. Windows has none.
    numbers = [signal.SIGTERM] if sys.platform == "win32" else [signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.getsignal(number) for number in numbers}
    handled = [number for number in numbers if before[number] is not signal.SIG_IGN]
    try:
        for number in handled:
            signal.signal(number, interrupt)
    except ValueError:  # not in the main thread, where signals cannot be handled
        yield
        return
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
