"""One SELECT over a project's lake, asked by somebody who administers it.

    views.py        what is open: a view for each kind of row that the lake has, with its columns
    running.py      the process that answers one question: started, listened to, killed
    child.py        what runs in it: DuckDB, locked to the project's folders
    lent_files.py   files on an object store, handed to it by its parent
    guard.py        what the parsed query may hold; there
    confinement.py  what the operating system lets the process do; there

DuckDB's own statement type is not enough: a SELECT may hold a COPY or a DELETE in its WITH, and a folder that may be
read may be written. So the parsed query is looked through, and the process can write no file.
"""
