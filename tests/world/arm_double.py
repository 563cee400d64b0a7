"""A double of Azure Resource Manager on loopback, over TLS: resources by id, lists of any type, Resource Graph, and tokens.

It knows nothing of what a type holds: what is put there under an id is what a GET of it answers, and what lists below it show.
Sources: Azure REST API reference, "Common parameters and headers"; Azure Resource Graph REST API, "Resources"; Microsoft identity
platform documentation, "The OAuth 2.0 client credentials grant"; App Service documentation, "Connect to Azure services in app
code" (the local token endpoint).
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.world.tls_certificates import issue

TENANT = "2f6d1b0c-0000-4000-8000-00000000000a"
CLIENT = "5c1e7a2d-0000-4000-8000-00000000000c"
SECRET = "kein~Passwort.das-etwas-oeffnet"
READER = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
PORTAL = b"<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>"
GRAPH = "/providers/microsoft.resourcegraph/resources"


@dataclass(frozen=True)
class Asked:
    """One request. `query`, `headers` with lower-cased names, and `body` as sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """An answer; `cut` is how many bytes of the body arrive under the Content-Length of the whole. With `drip`, a byte at a time,
    until that is set."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: threading.Event | None = None


Fault = Callable[[Asked, Reply], Reply | None]
"""What becomes of an answer; None leaves it."""


def json_reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8", **headers})


def error(status: int, code: str, message: str = "", **headers: str) -> Reply:
    return json_reply({"error": {"code": code, "message": message or f"{code}."}}, status, **headers)


class ArmDouble:
    """`things` by lower-cased id. `page` is how many elements a list shows at once, `ghosts` what only Resource Graph shows,
    `hidden` what it does not show, `roles` what the caller may do in each subscription."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[Asked] = []
        self.secret = SECRET
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.authority, context = _tls(folder)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.clear()

    def clear(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.elsewhere: list[str] = []
        """Subscriptions of the tenant that the caller does not see."""
        self.roles: dict[str, list[dict[str, Any]]] = {}
        self.ghosts: list[dict[str, str]] = []
        self.hidden: set[str] = set()
        self.page, self.graph_page = 1000, 1000
        self.fault: Fault | None = None
        self.beside: Callable[[Asked], Reply | None] | None = None
        """What else answers at the same address, to whom the token was given."""
        self.asked.clear()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What points the program at the double, and makes it trust it."""
        return {
            "UPHELD_ARM_ENDPOINT": self.url,
            "AZURE_AUTHORITY_HOST": self.url,
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": "header-of-the-double",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.thread.join()

    def subscribe(self, subscription: str, name: str = "Marktbruecke") -> None:
        self.subscriptions[subscription] = {
            "id": f"/subscriptions/{subscription}", "subscriptionId": subscription, "tenantId": TENANT,
            "displayName": name, "state": "Enabled",
        }  # fmt: skip
        self.roles[subscription] = [READER]

    def put(self, id_: str, type_: str, body: Mapping[str, Any]) -> str:
        """A resource; its id as it is spelled."""
        self.things[id_.lower()] = {"id": id_, "name": id_.rpartition("/")[2], "type": type_, **body}
        return id_

    def fail(self, path: str, *replies: Reply, query: str = "") -> None:
        """Answer requests whose path ends so with these, the last one for ever. Of several that are told, the latest counts."""
        before, told = self.fault, list(replies)

        def fault(asked: Asked, reply: Reply) -> Reply | None:
            if not asked.path.lower().endswith(path.lower()) or query not in str(dict(asked.query)):
                return before(asked, reply) if before else None
            return told.pop(0) if len(told) > 1 else told[0]

        self.fault = fault

    def calls(self, part: str = "") -> list[str]:
        """`GET path` of what was asked of Resource Manager, in order."""
        told = (f"{one.method} {one.path}" for one in self.asked if "/oauth2/" not in one.path and not one.path.startswith("/msi"))
        return [call for call in told if part.lower() in call.lower()]

    # -- answers ------------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        own = self._token(asked) or self._refused(asked) or self._arm(asked)
        reply = (self.fault(asked, own) if self.fault else None) or own
        usual = {"x-ms-request-id": "0c9d7a54-0000-4000-8000-000000000000", "Date": format_datetime(datetime.now(UTC), usegmt=True)}
        return replace(reply, headers={**usual, **reply.headers})

    def _token(self, asked: Asked) -> Reply | None:
        if asked.path == "/msi/token":
            if asked.headers.get("x-identity-header") != "header-of-the-double":
                return error(401, "invalid_header")
            until = str(int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
            return json_reply({"access_token": token(), "expires_on": until, "resource": asked.query["resource"], "token_type": "Bearer"})
        if asked.path.endswith("/v2.0/.well-known/openid-configuration"):
            base = f"{self.url}/{TENANT}"
            return json_reply({
                "token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            })  # fmt: skip
        if not asked.path.endswith("/oauth2/v2.0/token"):
            return None
        given = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if given.get("client_assertion") is None and given.get("client_secret") != self.secret:
            told = "AADSTS7000222: The provided client secret keys for app are expired."
            return json_reply({"error": "invalid_client", "error_description": told, "error_codes": [7000222]}, 401)
        return json_reply({"access_token": token(), "expires_in": 3599, "ext_expires_in": 3599, "token_type": "Bearer"})

    def _refused(self, asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") != f"Bearer {token()}":
            return error(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if self.beside is not None and (reply := self.beside(asked)) is not None:
            return reply
        if "api-version" not in asked.query:
            return error(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.")
        return None

    def _arm(self, asked: Asked) -> Reply:
        path = asked.path.lower()
        if asked.method == "POST":
            return self._graph(json.loads(asked.body)) if path == GRAPH else self._effective(asked)
        if path.endswith("/descendants"):
            return self._list([
                {"id": f"/subscriptions/{one}", "type": "/subscriptions", "name": one, "properties": {"displayName": self.subscriptions.get(one, {}).get("displayName", "A")}}
                for one in [*self.subscriptions, *self.elsewhere]
            ], asked)  # fmt: skip
        if path == "/subscriptions":
            return self._list(list(self.subscriptions.values()), asked)
        steps = path.strip("/").split("/")
        if steps[0] == "subscriptions" and steps[1] not in self.subscriptions:
            return error(404, "SubscriptionNotFound", f"The subscription '{steps[1]}' could not be found.")
        if len(steps) == 2:
            return json_reply(self.subscriptions[steps[1]])
        if path.endswith("/providers/microsoft.authorization/permissions"):
            return json_reply({"value": self.roles[steps[1]]})
        if path in self.things:
            return json_reply(self.things[path])
        if len(steps) == 3 and steps[2] == "resourcegroups":
            return self._list(self._groups(steps[1]), asked)
        parent, _, last = path.rpartition("/")
        if (listed := self._below(path, parent, last)) is not None:
            return self._list(listed, asked)
        return error(404, "ResourceNotFound", f"The Resource '{asked.path}' was not found.")

    def _groups(self, subscription: str) -> list[dict[str, Any]]:
        names = {id_.split("/")[4] for id_ in self.things if id_.startswith(f"/subscriptions/{subscription}/resourcegroups/")}
        return [
            {
                "id": f"/subscriptions/{subscription}/resourceGroups/{name}", "name": name, "type": "Microsoft.Resources/resourceGroups",
                "location": "westeurope", "properties": {"provisioningState": "Succeeded"},
            }
            for name in sorted(names)
        ]  # fmt: skip

    def _below(self, path: str, parent: str, last: str) -> list[dict[str, Any]] | None:
        """What a list shows; None where what it would be below of is not there."""
        if found := re.fullmatch(r"(/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?)/providers/([^/]+/[^/]+)", path):
            inside = rf"{re.escape(found[1])}(/resourcegroups/[^/]+)?/providers/{re.escape(found[2])}/[^/]+"
            return [one for id_, one in self.things.items() if re.fullmatch(inside, id_)]
        base = re.sub(r"/providers/microsoft\.insights$", "", parent)
        if base not in self.things and base.count("/") > 2:
            return None
        return [one for id_, one in self.things.items() if id_.startswith(parent + "/") and id_.split("/")[-2] == last]

    def _list(self, elements: list[dict[str, Any]], asked: Asked) -> Reply:
        start = int(asked.query.get("$skiptoken", "0"))
        page: dict[str, Any] = {"value": elements[start : start + self.page]}
        if start + self.page < len(elements):
            version = asked.query["api-version"]
            page["nextLink"] = f"{self.url}{asked.path}?api-version={version}&$skiptoken={start + self.page}"
        return json_reply(page)

    def _graph(self, question: Mapping[str, Any]) -> Reply:
        rows = [
            {
                "id": one["id"], "type": one["type"].lower(), "subscriptionId": one["id"].split("/")[2],
                "location": "".join(str(one.get("location", "")).lower().split()),
            }
            for id_, one in sorted(self.things.items()) if id_ not in self.hidden
        ] + self.ghosts  # fmt: skip
        rows = [row for row in rows if row["subscriptionId"] in question["subscriptions"]]
        if found := re.search(r"type in~ \(([^)]*)\)", question["query"]):
            types = {one.strip(" '").lower() for one in found[1].split(",")}
            rows = [row for row in rows if row["type"] in types]
        if "summarize" in question["query"]:
            counted: dict[tuple[str, str], int] = {}
            for row in rows:
                counted[row["subscriptionId"], row["type"]] = counted.get((row["subscriptionId"], row["type"]), 0) + 1
            rows = [{"subscriptionId": one, "type": type_, "number": number} for (one, type_), number in counted.items()]
        start = int(question["options"].get("$skipToken", "0"))
        held = rows[start : start + self.graph_page]
        answer = {"totalRecords": len(rows), "count": len(held), "data": held, "facets": [], "resultTruncated": "false"}
        more = {"$skipToken": str(start + self.graph_page)} if start + self.graph_page < len(rows) else {}
        return json_reply({**answer, **more})

    def _effective(self, asked: Asked) -> Reply:
        """Computed at the second asking, as the service does it: 202 with a Location first."""
        interface, _, what = asked.path.rpartition("/")
        held = self.things.get(f"{interface.lower()}/{what.lower()}")
        if held is None:
            return error(400, "VMNotRunning", "The virtual machine of the interface is not running.")
        where = f"{self.url}{interface}/{what}?api-version={asked.query['api-version']}"
        return Reply(202, b"", {"Location": where, "Retry-After": "0"})


def token() -> str:
    """As Entra's look: three parts, the second with claims; nothing of it opens anything."""
    claims = {"appid": CLIENT, "oid": "9a51c2f7-0000-4000-8000-00000000000d", "tid": TENANT}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2lnbmVk"])


def _tls(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """The authority's file, and what serves with a certificate of its."""
    root = issue("Authority of the double", None, authority=True)
    leaf = issue("127.0.0.1", root, names=("127.0.0.1",))
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "authority.pem").write_bytes(root.pem)
    (folder / "server.pem").write_bytes(leaf.pem + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "authority.pem", context


def _handler(double: ArmDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            split = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            reply = double.answer(Asked(self.command, unquote(split.path), query, headers, body))
            self.send_response_only(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            for byte in reply.body if reply.drip else ():
                if reply.drip is None or reply.drip.wait(0.1):
                    break
                self.wfile.write(bytes([byte]))
            self.wfile.write(b"" if reply.drip else reply.body[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
            """Nothing: the requests are in `ArmDouble.asked`."""

    return Handler


@contextmanager
def arm_double(folder: Path) -> Iterator[ArmDouble]:
    double = ArmDouble(folder)
    double.thread.start()
    try:
        yield double
    finally:
        double.close()
