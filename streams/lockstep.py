"""Groups of users who like the same videos at the same times.

The idea is CopyCatch's (Beutel, Xu, Guruswami, Palow, Faloutsos, WWW 2013): a near-biclique of
users and videos with little time between. Here the plain form: two users are in step on a video
when their likes of it fall into one cell of time; users in step on enough videos are tied; tied
users form groups, and a group that is large enough is found.

Time is cut twice, the second grid half a cell later, so that two likes less than half a cell apart
are together in one of them. Cells with a crowd are left out: where everybody likes at once nobody
is in step, and pairs would be too many.
"""

from collections.abc import Collection, Iterable
from itertools import combinations
from typing import NamedTuple

from schemas.detection import FraudRules

Pair = tuple[str, str]


class Like(NamedTuple):
    """A like, as far as it matters here."""

    user_id: str
    video_id: str
    at_ms: int
    event_id: str


def lockstep_likes(likes: Collection[Like], rules: FraudRules) -> list[Like]:
    """Return the likes that members of groups made in one cell with others of their group."""
    cells = _cells(likes, rules)
    group_of = groups(_tied(cells, rules), rules.lockstep_users)
    found: set[Like] = set()
    for cell in cells:
        members: dict[str, list[Like]] = {}
        for like in cell:
            group = group_of.get(like.user_id)
            if group is not None:
                members.setdefault(group, []).append(like)
        for together in members.values():
            if len({like.user_id for like in together}) > 1:
                found.update(together)
    return sorted(found, key=lambda like: (like.at_ms, like.event_id))


def groups(tied: Iterable[Pair], size_min: int) -> dict[str, str]:
    """Return the group of each user that is in one: the first of its members names it."""
    parent: dict[str, str] = {}

    def root(user: str) -> str:
        while parent.setdefault(user, user) != user:
            parent[user] = user = parent[parent[user]]
        return user

    for one, other in tied:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    members: dict[str, list[str]] = {}
    for user in list(parent):
        members.setdefault(root(user), []).append(user)
    large = {name: users for name, users in members.items() if len(users) >= size_min}
    return {user: name for name, users in large.items() for user in users}


def _cells(likes: Iterable[Like], rules: FraudRules) -> list[list[Like]]:
    """Return likes of one video in one cell of time, where at least two and no crowd liked."""
    span_ms = rules.lockstep_span_ms
    cells: dict[tuple[str, int, int], list[Like]] = {}
    for like in likes:
        for shift_ms in (0, span_ms // 2):
            place = (like.video_id, shift_ms, (like.at_ms + shift_ms) // span_ms)
            cells.setdefault(place, []).append(like)
    return [cell for cell in cells.values() if 2 <= len(cell) <= rules.crowd_max]


def _tied(cells: Iterable[list[Like]], rules: FraudRules) -> list[Pair]:
    """Return the pairs of users who are in step on enough videos."""
    videos: dict[Pair, set[str]] = {}
    for cell in cells:
        for pair in combinations(sorted({like.user_id for like in cell}), 2):
            videos.setdefault(pair, set()).add(cell[0].video_id)
    return sorted(pair for pair, shared in videos.items() if len(shared) >= rules.lockstep_videos)
