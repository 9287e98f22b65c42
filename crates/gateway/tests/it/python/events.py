"""A FastAPI service with server-sent events and a WebSocket."""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

app = FastAPI()
went_on = asyncio.Event()


@app.get("/events")
async def events():
    async def lines():
        yield "data: first\n\n"
        # The second comes only after a request that is made when the first was read: so the first was not kept back.
        await went_on.wait()
        yield ": a comment\n\n"
        yield "data: second\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


@app.post("/go-on")
async def go_on():
    went_on.set()
    return {"ok": True}


@app.websocket("/ws")
async def chat(socket: WebSocket):
    await socket.accept(subprotocol="chat")
    async for text in socket.iter_text():
        await socket.send_text(f"you said: {text}")
