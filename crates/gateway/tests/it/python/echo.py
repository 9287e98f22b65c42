"""A Flask service that says what it got, as the handlers of the other stacks do."""

from flask import Flask, request

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def echo(path):
    query = request.environ["QUERY_STRING"]
    return f"{request.method} {query} {request.get_data(as_text=True)}"
