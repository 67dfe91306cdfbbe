"""As much of Qdrant's HTTP interface as is used, before its in-memory mode: what is sent is read by its own models."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from qdrant_client import QdrantClient, models


class _Database:
    def __init__(self) -> None:
        self.client = QdrantClient(":memory:")
        self.asked: list[tuple[str, Any]] = []

    def answer(self, method: str, path: str, body: object) -> object:
        _, _, collection, *rest = path.partition("?")[0].split("/")
        match method, *rest:
            case "GET", "exists":
                return {"exists": self.client.collection_exists(collection)}
            case ("PUT",):
                request = models.CreateCollection.model_validate(body)
                return self.client.create_collection(collection, vectors_config=request.vectors)
            case "PUT", "index":
                models.CreateFieldIndex.model_validate(body)
                return {"operation_id": 1, "status": "completed"}
            case "POST", "points", "count":
                return {"count": self.client.count(collection).count}
            case "PUT", "points":
                self.client.upsert(collection, models.PointsList.model_validate(body).points)
                return {"operation_id": 1, "status": "completed"}
            case "POST", "points", "query", "batch":
                requests = models.QueryRequestBatch.model_validate(body).searches
                found = self.client.query_batch_points(collection, requests)
                return [one.model_dump(mode="json") for one in found]
        raise AssertionError(f"nobody answers {method} {path}")


@contextmanager
def qdrant_over_http() -> Iterator[tuple[str, _Database]]:
    """The URL of a database, and what it was asked."""
    database = _Database()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
            database.asked.append((f"{self.command} {self.path}", body))
            result = {"result": database.answer(self.command, self.path, body), "status": "ok", "time": 0.0}
            content = json.dumps(result).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - as the library calls them

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", database
        finally:
            server.shutdown()
            thread.join()
            database.client.close()
