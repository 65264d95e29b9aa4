"""Tables of DynamoDB: moto's, made when the first of them is asked for; what is put in can last.

moto takes a tenth of a second to load them, and a run needs none before its end. It looks at a
condition and writes without a lock, so here one request is answered after the other, as DynamoDB
does for one item.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.wrappers import Response

from quantum_pipeline.local.contents import content

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Item = Mapping[str, Any]
"""An item as DynamoDB writes it in JSON: each value under its type."""


class Tables:
    """The WSGI application that answers for DynamoDB."""

    def __init__(
        self,
        tables: Iterable[Mapping[str, Any]],
        account: str,
        region: str,
        on_put: Callable[[Item], None] | None = None,
        earlier: Callable[[str], Iterable[Item]] | None = None,
    ) -> None:
        """Take the tables, as parameters of CreateTable.

        Args:
            on_put: called with each item that was put into one of them.
            earlier: called once with the name of each table that is queried; gives the items that
                it has from earlier on, beside those that were put since.
        """
        self._tables = tuple(tables)
        self._account, self._region = account, region
        self._on_put, self._earlier = on_put, earlier
        self._filled = set[str]()
        self._one_at_a_time = threading.Lock()
        self._moto: WSGIApplication | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        put, queried = None, None
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if operation == "PutItem":
            put = json.loads(content(environ))["Item"]
        elif operation == "Query":
            queried = json.loads(content(environ))["TableName"]
        with self._one_at_a_time:
            self._moto = self._moto or self._made()
            if queried is not None:
                self._fill(queried)
            response = Response.from_app(self._moto, environ)
        if put is not None and response.status_code == HTTPStatus.OK and self._on_put is not None:
            self._on_put(put)
        return response(environ, start_response)

    def _fill(self, name: str) -> None:
        """Put the items of earlier into a table that they are not in yet."""
        from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415

        backend = dynamodb_backends[self._account][self._region]
        if self._earlier is None or name in self._filled or name not in backend.tables:
            return
        self._filled.add(name)
        table = backend.tables[name]
        there = {item.hash_key.value for item in table.all_items()}
        for item in self._earlier(name):
            if item[table.hash_key_attr]["S"] not in there:
                table.put_item(dict(item))

    def _made(self) -> WSGIApplication:
        from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415

        backend = dynamodb_backends[self._account][self._region]
        for table in self._tables:
            backend.create_table(
                table["TableName"],
                schema=table["KeySchema"],
                throughput=None,
                attr=table["AttributeDefinitions"],
                global_indexes=table.get("GlobalSecondaryIndexes", []),
                indexes=[],
                streams=None,
                billing_mode=table["BillingMode"],
                sse_specification=None,
                tags=[],
                deletion_protection_enabled=False,
                warm_throughput=None,
            )
        application: WSGIApplication = create_backend_app("dynamodb")
        return application
