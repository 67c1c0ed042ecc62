"""The error tree. Expected failures carry a code and end where they are reported; all else is a bug."""

from wallscan.domain.codes import Code


class WallscanError(Exception):
    """The root of all expected failures: a stable `code` and a sentence for a person."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{detail} [{code}]")
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type["WallscanError"], tuple[Code, str]]:
        """Survive pickling between a pool's child and its parent."""
        return type(self), (self.code, self.detail)


class PhotoError(WallscanError):
    """Raised when one photo cannot be used; the others go on."""


class ArchiveError(WallscanError):
    """Raised when a whole archive cannot be read."""


class PromptError(WallscanError):
    """Raised when a prompt cannot be used."""


class PipelineError(WallscanError):
    """Raised when a post-processing pipeline is not known, or a parameter of it cannot be used."""


class BundleError(WallscanError):
    """Raised when a model bundle is incomplete, altered, unsafe or not loadable."""


class ConversionError(WallscanError):
    """Raised when making a model ready for this machine was ended from outside. Another try may go well."""


class InferenceError(WallscanError):
    """Raised when the network answers something that is no probability."""


class RunError(WallscanError):
    """Raised when a run is not there, or not in a state for what is asked of it."""


class TrainingError(WallscanError):
    """Raised when a training cannot be run as asked for."""


class UnavailableError(WallscanError):
    """Raised when a server does not answer. Trying again later is right; the input is not at fault."""
