"""Which address a call comes from, so that one caller cannot use up what is there for all.

Behind a proxy every call comes from the proxy, which adds its caller to `X-Forwarded-For`; whatever stands
there before, a caller may have made up. Uvicorn reads the last address that is none of the proxies it trusts.
"""

import os
from ipaddress import ip_address
from typing import Any

from uvicorn.middleware.proxy_headers import _TrustedHosts

SPACE_HOST = "SPACE_HOST"  # Where a Space is told its name.
TRUSTED = "FORWARDED_ALLOW_IPS"  # Proxies, as uvicorn takes them: addresses, networks, or * for all.
# A Space is reached through its host's proxies alone, which have addresses of inner networks.
INNER_NETWORKS = (
    "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,::1,fc00::/7"
)
UNKNOWN = ""


def trust_proxies() -> None:
    """Tell uvicorn whom to believe about addresses: by default nobody, on a Space its host."""
    os.environ.setdefault(TRUSTED, INNER_NETWORKS if os.environ.get(SPACE_HOST) else "")


def is_proxy(address: str) -> bool:
    """Whether this is one of the trusted proxies, which bring the connections of many."""
    return address in _TrustedHosts(os.environ.get(TRUSTED, ""))


def caller(request: Any) -> str:  # noqa: ANN401 - Gradio's requests, FastAPI's, and those that tests make
    """Name the address that a request comes from; UNKNOWN, "", where limits by address must not apply."""
    client = getattr(request, "client", None)
    return name_caller(client.host if client else UNKNOWN)


def name_caller(host: str) -> str:
    """Give an address as it counts: on a Space one of its host's own says nothing about the caller."""
    if not os.environ.get(SPACE_HOST):
        return host
    try:
        return host if ip_address(host).is_global else UNKNOWN
    except ValueError:
        return UNKNOWN
