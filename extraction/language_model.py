"""The language model: `py3langid`'s, of whose two large tables a process holds in memory only what it looks at.

They are 68 MB, and a text's words are found in a part of them. A file without a name is mapped in their place: what
nobody has looked at takes no memory, and what a worker's parent has mapped all its children share.
"""

from __future__ import annotations

import mmap
import tempfile
from functools import lru_cache
from typing import Any


def ranked(text: str) -> list[tuple[str, float]]:
    """Every language of the model with its logarithmic likelihood, the likeliest first; ISO 639 codes."""
    found: list[tuple[str, float]] = _identifier().rank(text)
    return found


def load() -> None:
    """Load the model now (0.6 s), for the processes that will be forked, too.

    Raises:
        OSError: there is no room for it among the temporary files.
    """
    _identifier()


@lru_cache(maxsize=1)
def _identifier() -> Any:
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE)
    likely = np.ascontiguousarray(whole.nb_ptc)
    return LanguageIdentifier(
        np.frombuffer(_mapped(likely), likely.dtype).reshape(likely.shape),
        whole.nb_pc,
        whole.nb_classes,
        memoryview(_mapped(whole.tk_nextmove)).cast(whole.tk_nextmove.typecode),
        whole.tk_output,
        tk_row=whole.tk_row,
    )


def _mapped(table: Any) -> mmap.mmap:
    """The bytes of a table, read-only, in a file without a name."""
    with tempfile.TemporaryFile(prefix="leadmill-languages-") as file:
        file.write(memoryview(table).cast("B"))
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
