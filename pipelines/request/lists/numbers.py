"""Numbers of a workbook as people see them: dates by their format, ids without `.0`, postcodes with their zeros."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

#: Formats that Excel has without writing them into the file: those of dates and times (ECMA-376, 18.8.30), of percents.
_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_PERCENTS = frozenset({9, 10})
#: What of a format is text for people, a colour or a condition.
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]')
_DATE_SIGNS = re.compile(r"[dmyhs]", re.IGNORECASE)
_LAST_DAY = 2_958_466  # 31 December 9999
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)


def kind_of(number: int, code: str | None) -> str:
    """What a format makes of a number: `date`, `percent`, zeros to fill up to (`00000`), or nothing."""
    if code is None:
        return "date" if number in _DATES else "percent" if number in _PERCENTS else ""
    shown = _ASIDE.sub("", code.partition(";")[0])
    if shown.strip().lower() in ("general", "@"):
        return ""
    if _DATE_SIGNS.search(shown):
        return "date"
    if "%" in shown:
        return "percent"
    return shown if shown and not shown.strip("0") and len(shown) > 1 else ""


def shown(text: str, kind: str, *, since_1904: bool = False) -> str:
    """A number's text (`44561.5`) as it is shown under a format of that kind."""
    try:
        number = float(text)
    except ValueError:
        return text
    if kind == "date" and 0 <= number < _LAST_DAY:
        return _date(number, since_1904=since_1904)
    if kind == "percent":
        return f"{number * 100:.15g}%"
    whole = number.is_integer() and abs(number) < 1e15
    if whole:
        digits = str(int(number))
        return digits.zfill(min(len(kind), 30)) if kind.startswith("0") else digits
    return f"{number:.15g}"


def _date(number: float, *, since_1904: bool) -> str:
    """ISO 8601: the day, with the time unless it is midnight; the time alone where there is no day."""
    epoch = _EPOCH_1904 if since_1904 else _EPOCH
    if not since_1904 and 1 <= number < 60:  # Excel's year 1900 has a 29 February
        number += 1
    at = epoch + timedelta(seconds=round(number * 86_400))
    time = at.strftime("%H:%M:%S").removesuffix(":00")
    if number < 1:
        return time
    return f"{at:%Y-%m-%d}" if time == "00:00" else f"{at:%Y-%m-%d} {time}"
