"""What all crawls of an installation share of the hosts they ask: who may ask one now, and what it said of itself.

    host:<host>                what is going on with a host, JSON; gone when there is nothing to remember
    robots:<agent><origin>     `<when it was asked, ms>:<rules>`: of its robots.txt the rules that concern us, for
                               crawls that name another User-Agent one more (`agent` is then a digest and `:`)

A host is a name without `www.`, with its port where that is not the usual one. Of it is kept: which run of which unit
holds it (`r`, `g`) until when (`u`); who waits first (`w`, `x`); the delay it wants (`d`), before when it is not asked
(`n`), until when it asked for quiet (`q`); how many requests failed in a row (`f`, `why`), how often it was left alone
for that (`t`) and until when it is (`b`). Times are ms by the server's clock. Which domains are not asked at all is
said in data/hosts/blocks.py. Hosts are shared by all projects: a
project's crawl is told that one is busy, never by whom.
"""

from data.hosts.blocks import Block, BlockList
from data.hosts.leases import (
    FAILURES,
    FRESH_S,
    LEASE_S,
    MOST_QUIET_S,
    HostAnswer,
    HostLeases,
    HostNews,
    Robots,
)

__all__ = [
    "FAILURES", "FRESH_S", "LEASE_S", "MOST_QUIET_S", "Block", "BlockList", "HostAnswer", "HostLeases", "HostNews",
    "Robots",
]  # fmt: skip
