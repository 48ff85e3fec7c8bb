"""Which worker runs which file of tests, so that a loop is compiled once and not by every worker at the same time."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

__all__ = ["FromBothEnds"]

# Where loops are compiled, most first: those of all models in contract, and who comes later loads what was kept there
_COMPILE = (
    "tests/contract/",
    "tests/test_examples.py",
    "tests/test_readme.py",
    "tests/models/",
    "tests/compiled/",
    "tests/homework/",
    "src/",
)
# programs of their own that take long and compile little; they are over before the others' loops are needed
_COMPILE_NOTHING = "tests/stress/"


class FromBothEnds(LoadFileScheduling):
    """Files in a row, from those that compile most to those that compile least.

    The first worker takes from the front, all others from the end, until they meet.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        files = sorted(self.workqueue, key=self._place)
        file = files[0] if node is self.nodes[0] else files[-1]
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)

    def _place(self, file: str) -> tuple[int, int]:
        if file.startswith(_COMPILE_NOTHING):
            room = len(_COMPILE) + 1
        else:
            room = next((k for k, start in enumerate(_COMPILE) if file.startswith(start)), len(_COMPILE))
        return room, -len(self.workqueue[file])
