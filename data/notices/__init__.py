"""The outbox: notices that wait for delivery (leadmill/notices.py says what one is, pipelines/notices/ delivers).

    telling.py   how a process that moves no job puts a notice in
    outbox.py    what a deliverer does with it: take, renew, settle; entries.py what it gives
    lua/         the script's part: outbox.lua is common, operations/<name>.lua is an operation (data/jobs/script.py)
    wanted.py    which kinds somebody listens to

A notice is written in the same move as what it tells of, into a stream. A deliverer *spreads* it: the rules name its
channels, and for each it becomes a *delivery* at the end of a *line*. There is a line for each subject (a job, a
queue …) and channel; only its first delivery is tried, so none passes an earlier one. A deliverer takes a *lease* of a
channel, for one delivery: one at a time sends to it, and a channel that hangs holds up nobody else.

Keys, behind the prefix and of all projects (a notice names its own, a channel's name begins with it):

    notices_wanted  hash: kind of notice -> 1, where somebody listens to it. Of other kinds nobody writes a notice, but
                    of the end of a job that asked for it itself (`notify`, `callback_url` of its record)
    notices         stream of notices that are not spread yet: field `info` or `more` (by severity) -> JSON as
                    `Notice.read` takes it
    deliveries      hash: `<notice>|<channel>` -> JSON: notice, line, weight, since, tries, failures, error, more,
                    resolves; of one that waits for the end of an hour also cause, subject, others
    notices_waiting sorted set of deliveries, in the order in which they are dropped when there are too many
    notices_due     sorted set: channel -> when somebody must look at it, or when its lease ends
    notices_held    hash: channel -> who has its lease
    notices_failing hash: channel -> failed tries since the last that was taken
    notices_of:<channel>           sorted set: line -> when its first delivery is due
    notices_line:<channel>|<line>  list of deliveries
    notices_told:<channel>|<cause> that the channel was told of the cause within the hour: the delivery that counts what
                    came since, or nothing
    notices_open:<subject>         hash: channel that heard of a fault -> `!` if by name, and what counts it
    notices_log:<channel>          list of what became of its last deliveries, newest first; of channels that jobs name
                    themselves (`<project>:callback:<job>` …) also one of all together (`<project>:callback:`)
    notices_lost    how many were dropped because nobody emptied the outbox, until that was told

What is damaged is passed over: an entry that is none is dropped and counted, a key of another type costs its channel.
"""
