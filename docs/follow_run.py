"""Follow a run over Plugarr's WebSocket until it ends, whatever happens to the connection.

    pip install websockets
    python follow_run.py http://localhost:9191 API_KEY_OR_TOKEN RUN_ID

Prints every line of its log, its progress and its states. When the connection is lost it comes back, says what
it has seen last, and goes on from there: nothing is printed twice and nothing is missing.
"""

import asyncio
import http.client
import json
import random
import sys
import urllib.request

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

FINAL = {"succeeded", "failed", "cancelled", "timed_out", "lost"}
GIVES_UP = {4401, 4403}
FIRST_PAUSE_S = 0.5


class Follower:
    def __init__(self, base, secret, run_id):
        self.base = base.rstrip("/")
        self.secret = secret
        self.run_id = run_id
        self.topics = [f"run.{run_id}", f"log.{run_id}", f"progress.{run_id}"]
        self.since = {}  # topic -> the position of the last frame that was seen on it
        self.last_line = 0  # sequence of the last log line that was printed
        self.pause_s = FIRST_PAUSE_S
        self.ended = False

    async def follow(self):
        """Until the run has ended, however often the connection is lost."""
        while not self.ended:
            try:
                async with connect(self.base.replace("http", "ws", 1) + "/ws/") as socket:
                    await self.listen(socket)
            except (ConnectionClosed, InvalidHandshake, http.client.HTTPException, OSError) as error:
                code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else None
                if code in GIVES_UP:
                    raise SystemExit(f"not allowed: {error}") from error
                # Everybody comes back after a restart: not all at the same moment.
                await asyncio.sleep(self.pause_s * random.uniform(0.5, 1.5))
                self.pause_s = min(self.pause_s * 2, 10)

    async def listen(self, socket):
        await socket.send(json.dumps({"op": "auth", "token": self.secret}))
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "ready":
                self.pause_s = FIRST_PAUSE_S
                message = {"op": "subscribe", "topics": self.topics, "since": self.since}
                await socket.send(json.dumps(message))
            elif frame["type"] == "subscribed":
                if not self.since:
                    # Only now: what happens from here on comes as frames.
                    await self.read_again()
                # Only now: with these positions we would not read again what a broken connection kept from us.
                self.since |= frame["topics"]
            elif frame["type"] == "error":
                print("error:", frame["message"], file=sys.stderr)
            elif "topic" in frame:
                await self.take(frame)
                self.since[frame["topic"]] = frame["at"]
            if self.ended:
                return

    async def take(self, frame):
        match frame["type"]:
            case "reload":
                await self.read_again()
            case "log.lines":
                self.print_lines(frame["data"]["lines"])
            case "run.progressed":
                print("progress:", frame["data"]["done"], "of", frame["data"]["total"])
            case _:
                await self.show_state(frame["data"]["state"])

    async def read_again(self):
        """What happened before we followed, or what we have missed for good: by HTTP."""
        await self.read_log()
        await self.show_state((await self.get(f"/api/runs/{self.run_id}/"))["state"])

    async def read_log(self):
        more = True
        while more:
            log = await self.get(f"/api/runs/{self.run_id}/log/?after={self.last_line}")
            self.print_lines(log["lines"])
            more = log["more"]

    async def show_state(self, state):
        if state in FINAL:
            # The last lines may still be on their way; we have not followed it to its end before they are here.
            await self.read_log()
            self.ended = True
        print("state:", state)

    def print_lines(self, lines):
        """Frames and answers both carry each line's sequence; lines that were sent together share one."""
        new = [line for line in lines if line["seq"] > self.last_line]
        for line in new:
            print("log:", line["message"])
            self.last_line = max(self.last_line, line["seq"])

    async def get(self, path):
        def read():
            # API keys have no dots, tokens two.
            scheme = "Bearer" if self.secret.count(".") == 2 else "ApiKey"
            request = urllib.request.Request(
                self.base + path, headers={"Authorization": f"{scheme} {self.secret}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        return await asyncio.to_thread(read)


if __name__ == "__main__":
    asyncio.run(Follower(*sys.argv[1:4]).follow())
