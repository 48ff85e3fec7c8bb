"""Tables and text files as few bits as the likelihood of a model says, and back without loss.

Read ``predictor`` (the probabilities of what comes next), ``rows`` (the code of a table), ``text`` (a file as records
of cells), ``spellings`` (how a file writes each state) and ``files`` (the code of a file).
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.tasks.compression.files import CompressedFile, compress_file, decompress_file
    from chainrule.tasks.compression.rows import compress, decompress

__all__ = ["CompressedFile", "compress", "compress_file", "decompress", "decompress_file"]

__getattr__ = loader(
    __name__,
    {
        "CompressedFile": "chainrule.tasks.compression.files",
        "compress": "chainrule.tasks.compression.rows",
        "compress_file": "chainrule.tasks.compression.files",
        "decompress": "chainrule.tasks.compression.rows",
        "decompress_file": "chainrule.tasks.compression.files",
    },
)
