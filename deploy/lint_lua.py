"""The script of the job store, seen by the compiler of the Lua that Redis runs (5.1): `make check` calls this.

Told are what does not compile, globals that are set or that Redis does not have (a local that was forgotten, a name in
capitals that Python does not declare), and definitions that no operation uses. Lines are those of the joined script.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterator

from lupa.lua51 import LuaError, LuaRuntime

from data.jobs import script

#: Globals that the script may read: what Redis gives it, and of Lua's own what it uses.
KNOWN = {
    "redis", "cjson", "KEYS", "ARGV",
    "error", "ipairs", "math", "next", "pairs", "pcall", "tonumber", "tostring", "type", "unpack",
}  # fmt: skip
_GET, _SET = 5, 7  # numbers of Lua 5.1's opcodes GETGLOBAL and SETGLOBAL
_HEADER = 12


class _Dump:
    """Reads a function as `string.dump` writes it (Lua 5.1, ldump.c)."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, _HEADER

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return int(value)

    def _string(self) -> str:
        size = self._take("Q")
        self._at += size
        return self._data[self._at - size : self._at - 1].decode() if size else ""

    def _constant(self) -> str:
        """A string; of any other constant nothing."""
        kind = self._take("B")
        if kind == 4:
            return self._string()
        self._at += {0: 0, 1: 1, 3: 8}[kind]
        return ""

    def globals(self) -> Iterator[tuple[int, str, bool]]:
        """(line, name, whether it is set) of each global that the function and those inside it use."""
        self._string()
        self._at += 4 + 4 + 4
        code = [self._take("I") for _ in range(self._take("I"))]
        constants = [self._constant() for _ in range(self._take("I"))]
        for _ in range(self._take("I")):
            yield from self.globals()
        lines = [self._take("I") for _ in range(self._take("I"))]
        for _ in range(self._take("I")):  # names of locals
            self._string()
            self._at += 4 + 4
        for _ in range(self._take("I")):  # names of upvalues
            self._string()
        for line, instruction in zip(lines, code, strict=True):
            if instruction & 0x3F in (_GET, _SET):
                yield line, constants[instruction >> 14], instruction & 0x3F == _SET


def faults(text: str) -> list[str]:
    """What is wrong with a script."""
    lua = LuaRuntime(encoding=None)
    try:
        dumped = lua.eval("function(text) return string.dump(assert(loadstring(text, '=line'))) end")(text.encode())
    except LuaError as error:
        return [str(error)]
    lines = text.splitlines()
    return [
        f"line {line} {'sets' if is_set else 'reads'} the global {name}: {lines[line - 1].strip()}"
        for line, name, is_set in sorted(_Dump(bytes(dumped)).globals())
        if is_set or name not in KNOWN
    ]


def unused() -> list[str]:
    """Functions of the common files that no operation uses."""
    whole = "".join(script.of(operation) for operation in script.OPERATIONS)
    defined = re.findall(r"(?m)^local function (\w+)", script.common())
    return [f"nobody uses {name}" for name in defined if f"local function {name}(" not in whole]


def main() -> int:
    found = [f"{operation}: {fault}" for operation in script.OPERATIONS for fault in faults(script.of(operation))]
    found += unused()
    print("\n".join(found) or f"Lua: {len(script.OPERATIONS)} scripts, no fault")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
