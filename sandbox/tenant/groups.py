"""Who is in which RBAC group: everybody in their department's group, one in eight in a second one as well.

So rows grouped by group overlap, as the vendor's do: whoever is in two groups counts fully in each.
"""

from __future__ import annotations

from zlib import crc32

from sandbox.tenant.people import DEPARTMENTS, Person
from sandbox.tenant.world import World


def groups_of(world: World, person: Person) -> tuple[str, ...]:
    """The ids of a person's groups, their department's first; one or two."""
    own = DEPARTMENTS.index(person.department)
    mark = crc32(person.user_id.encode())
    if mark % 8:
        return (world.groups[own][0],)
    other = (own + 1 + mark // 8 % (len(DEPARTMENTS) - 1)) % len(DEPARTMENTS)
    return world.groups[own][0], world.groups[other][0]
