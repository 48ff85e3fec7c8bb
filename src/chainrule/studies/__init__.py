"""The seven problems.  Each study calls the library and puts what it got into one ``StudyRecord``."""

from chainrule.studies.context import Preset, StudyContext
from chainrule.studies.runner import PROBLEMS, parse_problems, reproduce

__all__ = ["PROBLEMS", "Preset", "StudyContext", "parse_problems", "reproduce"]
