"""Who may read over HTTP: everybody on this machine, or who brings the token.

A server that listens beyond this machine needs a token. It is sent as `Authorization: Bearer TOKEN`,
or, by a browser, as the password of Basic authentication with any user name.
"""

import base64
import hmac
import ipaddress

from schemas.errors import ConfigError

REALM = 'Basic realm="engage", charset="UTF-8"'


class Access:
    """The rule of one server; an empty token lets everybody in."""

    def __init__(self, host: str, token: str) -> None:
        if not token and not is_loopback(host):
            raise ConfigError(
                f"{host} is reached from other machines: set ENGAGE_HTTP_TOKEN "
                "(or ENGAGE_HTTP_TOKEN_FILE), or listen on 127.0.0.1"
            )
        self._token = token.encode()

    def allows(self, authorization: str) -> bool:
        """Tell whether a request with this Authorization header may be answered."""
        return not self._token or hmac.compare_digest(_presented(authorization), self._token)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _presented(authorization: str) -> bytes:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode(errors="replace")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""
