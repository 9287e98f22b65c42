"""A WebSocket through a gateway: `client_websocket.py ADDRESS KEY AUTHORITY`. Prints what it saw as JSON."""

import json
import ssl
import sys

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

address, key, authority = sys.argv[1:]
options = {"ssl": ssl.create_default_context(cafile=authority), "subprotocols": ["chat"], "compression": None}
with connect(f"{address}/ws", additional_headers={"X-API-Key": key}, **options) as socket:
    seen = {"protocol": socket.subprotocol, "texts": []}
    for text in ["one", "two", "x" * 100_000]:
        socket.send(text)
        seen["texts"].append(len(socket.recv()))
try:
    connect(f"{address}/ws", **options)
except InvalidStatus as error:
    seen["no_key"] = error.response.status_code
print(json.dumps(seen))
