"""The outbox: notices that wait for delivery (leadmill/notices.py says what one is, pipelines/notices/ delivers).

    telling.py   how a process that moves no job puts a notice in

Keys, behind the prefix and of all projects (each notice names its own):

    notices_wanted  hash: kind of notice -> 1, where somebody listens to it. Of other kinds nobody writes a notice, but
                    of the end of a job that asked for it itself (`notify`, `callback_url` of its record)
    notices         stream of notices that no deliverer has seen yet: field `info` or `more` (by severity) -> JSON as
                    `Notice.read` takes it. Written in the same move as what it tells of
    notices_lost    how many were dropped since the server's start, because nobody emptied the outbox
"""
