"""`GET /metrics`: what is looked up for it, by what it is about, and how it is written.

    samples.py   what a scrape found, and how it becomes families of Prometheus
    scrape.py    one scrape: each source in turn; one that fails costs its own metrics alone
    jobs.py, work.py, queues.py, redis.py, lake.py, notices.py, process.py   the sources
    requests.py  how long answers take, counted in each API process and added up in Redis

Every metric is declared in `leadmill.metrics`; a source can fill no other.
"""
