from __future__ import annotations

from extraction.line_cache import MAX_KEPT, cached_by_line


def test_a_line_that_repeats_is_read_once_and_a_long_one_is_not_kept() -> None:
    read = []

    @cached_by_line
    def length(line: str, before: str = "") -> int:
        read.append(line)
        return len(line) + len(before)

    long = "x" * (MAX_KEPT + 1)
    assert [length(line, before) for line, before in (("a", ""), ("a", ""), ("a", "b"), (long, ""), (long, ""))] == [
        *(1, 1, 2, len(long), len(long)),
    ]
    assert read == ["a", "a", long, long]
    assert length("a", long) == length("a", long) == 1 + len(long)
    assert read[4:] == ["a", "a"], "nor is another text that is long"


def test_many_lines_push_out_the_oldest() -> None:
    read = []

    @cached_by_line
    def look(line: str) -> None:
        read.append(line)

    for number in range(2_000):
        look(str(number))
    look("1999")
    look("0")
    assert len(read) == 2_001
