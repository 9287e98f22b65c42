"""The client of OpenAI against a gateway: `client_openai.py ADDRESS KEY AUTHORITY`. Prints what it saw as JSON."""

import json
import ssl
import sys

import openai

address, key, authority = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)
trust.verify_flags |= ssl.VERIFY_X509_STRICT  # The default since Python 3.13.
client = openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, http_client=openai.DefaultHttpxClient(verify=trust))
messages = [{"role": "user", "content": "Say hello."}]

whole = client.chat.completions.create(model="llama", messages=messages, max_tokens=20)
seen = {"whole": whole.choices[0].message.content, "usage": whole.usage.total_tokens}

parts = list(client.chat.completions.create(model="llama", messages=messages, max_tokens=20, stream=True))
seen["stream"] = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
seen["hidden"] = all(part.usage is None for part in parts)

parts = list(client.chat.completions.create(
    model="llama", messages=messages, max_tokens=20, stream=True, stream_options={"include_usage": True}))
seen["asked"] = parts[-1].usage.total_tokens

try:
    client.chat.completions.create(model="llama", messages=messages, max_tokens=100_000)
except openai.APIStatusError as error:
    seen["refused"] = [error.status_code, error.response.json()["code"]]
try:
    client.with_options(api_key="psk_wrong").chat.completions.create(model="llama", messages=messages)
except openai.AuthenticationError as error:
    seen["no_key"] = error.status_code
print(json.dumps(seen))
