"""Stands in front of a store that writes no log of its requests, and writes one.

    python3 tests/stores/forward.py PORT [LOG COMMAND…]

Forwards to the store on 127.0.0.1:PORT, which is COMMAND, if one is given: it is started here, writes to
LOG, and this ends when it does. Waits until the store answers, takes a free port of the loopback and says
which; then prints one line a request, before the store sees it.

What travels is handed on byte for byte, in both directions and as it comes: paths, Host and signature
stay as they are, one connection to the store belongs to each connection of a client, and either side's
end of it is the other's. Only the ends of requests are looked for.
"""

import asyncio
import contextlib
import re
import subprocess
import sys

CHUNK = 1 << 18
SECONDS_TO_START = 60


class Incoming:
    """What a client sends, on its way to the store."""

    def __init__(self, reader, store):
        self.reader, self.store, self.held = reader, store, b""
        self.answer = None

    async def hold(self):
        """Reads on; an end of the stream is an EOFError."""
        more = await self.reader.read(CHUNK)
        if not more:
            raise EOFError
        self.held += more

    async def pass_on(self, count):
        """Hands on so many bytes, without ever holding many of them."""
        while count:
            if not self.held:
                await self.hold()
            now, self.held = self.held[:count], self.held[count:]
            count -= len(now)
            self.store.write(now)
            await self.store.drain()

    async def until(self, mark):
        """Returns what comes up to a mark and with it, and does not hand it on."""
        while mark not in self.held:
            await self.hold()
        found = self.held[:self.held.index(mark) + len(mark)]
        self.held = self.held[len(found):]
        return found

    async def body_follows(self, head):
        """Tells whether a client that waits for "100 Continue" sends its body.

        It does when it is told to, and when it has waited enough; after another answer it does not.
        """
        if not field(head, "expect"):
            return True
        more = asyncio.ensure_future(self.hold())
        await asyncio.wait({more, self.answer}, return_when=asyncio.FIRST_COMPLETED)
        told = self.answer.done() and self.answer.result()
        if more.done() or told.startswith(b"HTTP/1.1 100"):
            await more
            return True
        await more
        return False

    async def requests(self):
        """Hands on requests, one after the other."""
        while True:
            head = await self.until(b"\r\n\r\n")
            line = head.split(b"\r\n")[0].decode("latin-1")
            print(f'"{line}" {field(head, "user-agent")}', flush=True)
            self.answer = asyncio.get_running_loop().create_future()
            self.store.write(head)
            await self.store.drain()
            if not await self.body_follows(head):
                continue
            if field(head, "transfer-encoding").lower() == "chunked":
                await self.chunks()
            else:
                await self.pass_on(int(field(head, "content-length") or 0))

    async def chunks(self):
        """Hands on a body whose length nobody said."""
        while True:
            line = await self.until(b"\r\n")
            self.store.write(line)
            count = int(line.split(b";")[0], 16)
            if count == 0:
                break
            await self.pass_on(count + 2)
        while line != b"\r\n":
            line = await self.until(b"\r\n")
            self.store.write(line)
        await self.store.drain()


def field(head, name):
    """Returns a field of a request's head, empty if it has none."""
    found = re.search(rb"\r\n" + name.encode() + rb":[ \t]*([^\r\n]*)", head, re.IGNORECASE)
    return found[1].decode("latin-1").strip() if found else ""


async def answers(reader, client, incoming):
    """Hands on what the store answers."""
    while more := await reader.read(CHUNK):
        if incoming.answer and not incoming.answer.done():
            incoming.answer.set_result(more[:16])
        client.write(more)
        await client.drain()


async def connection(port, reader, client):
    """Serves one connection of a client."""
    with contextlib.suppress(OSError, EOFError):
        from_store, store = await asyncio.open_connection("127.0.0.1", port)
        try:
            incoming = Incoming(reader, store)
            ways = [asyncio.ensure_future(incoming.requests()),
                    asyncio.ensure_future(answers(from_store, client, incoming))]
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            for way in done:
                way.result()
        finally:
            store.close()
    with contextlib.suppress(OSError):
        client.close()


async def answered(port):
    """Returns once the store answers anything."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            said = await reader.read(16)
            writer.close()
            if said:
                return
        await asyncio.sleep(0.1)


async def main():
    port = int(sys.argv[1])
    if sys.argv[2:]:
        with open(sys.argv[2], "wb") as log:
            store = await asyncio.create_subprocess_exec(
                *sys.argv[3:], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ended = asyncio.ensure_future(store.wait())
        ended.add_done_callback(lambda code: sys.exit(f"the store ended: {code.result()}"))
    await asyncio.wait_for(answered(port), SECONDS_TO_START)
    server = await asyncio.start_server(
        lambda *streams: connection(port, *streams), "127.0.0.1", 0)
    print(f"Running on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
