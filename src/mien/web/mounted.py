"""Where a server is mounted below a path of another program: the paths that its own routes know, and the addresses that others see."""

from __future__ import annotations

from starlette.types import Scope


def own_path(scope: Scope) -> str:
    """The path of a request as the routes here know it: without the path that this server is mounted at.

    As Starlette's own get_route_path, which is private, has it: what is checked here must be what is routed there. Not to be asked once
    a request was routed to files, whose mount counts as well then.
    """
    path: str = scope["path"]
    above: str = scope.get("root_path", "")
    if not path.startswith(above) or path[len(above) :][:1] not in ("", "/"):
        return path
    return path[len(above) :]


def address(scope: Scope, path: str) -> str:
    """The address of one of the paths here, on the host that was asked."""
    return f"{scope.get('root_path', '').rstrip('/')}{path}"
