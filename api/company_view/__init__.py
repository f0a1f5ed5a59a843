"""The API's own table of what jobs found of companies, so that lists and counts need not open every part of the lake.

    views.py    those of all projects, and the thread that builds and feeds them
    database.py the DuckDB of the process, a file a table
    view.py     one project's: whether it is as the lake is, and what has to be read for that
    sources.py  which part files count, and which of them are new or gone
    table.py    their rows, with the newest of each company marked

It holds nothing that the lake has not: whoever finds it not ready, or behind by much, scans the lake instead. Facts and
other wide columns stay in the lake.
"""

from api.company_view.view import CompanyView, Seen
from api.company_view.views import CompanyViews

__all__ = ["CompanyView", "CompanyViews", "Seen"]
