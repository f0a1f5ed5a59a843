"""Sites that take their time: a forward proxy that is every host and answers each page after a latency.

Hosts with `hangs` in their name take the request and never answer.
"""

from __future__ import annotations

import asyncio
import sys

#: Pages that each home page links to; none of a known kind, none with contact data: all of them are worth a request.
PAGES = 60
_LINKS = "".join(f"<a href=/a{n}>Part {n}</a> " for n in range(PAGES))
_TEXT = "We make things. " * 30
_PAGE = f"<!doctype html><html lang=en><title>Acme</title><h1>Acme Ltd</h1>{_LINKS}<p>{_TEXT}<p>".encode()
_ROBOTS = b"User-agent: *\nAllow: /\n"


async def _serve(latency_s: float, port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
                await asyncio.sleep(3_600 if b"hangs" in target.split(b"/", 3)[2] else latency_s)
                body, kind = (_ROBOTS, b"plain") if target.endswith(b"/robots.txt") else (_PAGE + target, b"html")
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/%s\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (kind, len(body)) + body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=1_024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
