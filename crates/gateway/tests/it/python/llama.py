"""A model server with the API of OpenAI that streams as llama.cpp does: words, `timings`, and a usage if it is asked for."""

import json

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

app = FastAPI()
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def part(index, content, finish=None):
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    found = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "llama", "choices": [choice]}
    if finish:
        found["timings"] = {"prompt_n": 7, "predicted_n": 3}
    return found


@app.post("/v1/chat/completions")
async def chat(request: Request):
    body = await request.json()
    if not body.get("stream"):
        message = {"role": "assistant", "content": "Hello, you."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(
            {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "llama", "choices": [choice], "usage": USAGE})

    async def events():
        for index, word in enumerate(["Hello", ", ", "you."]):
            yield f"data: {json.dumps(part(index, word))}\n\n"
        yield f"data: {json.dumps(part(3, None, 'stop'))}\n\n"
        if body.get("stream_options", {}).get("include_usage"):
            yield f"data: {json.dumps({**part(4, None), 'choices': [], 'usage': USAGE})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
