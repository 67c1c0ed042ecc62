import uuid

import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records import keys
from wallscan.records.session import transaction
from wallscan.records.tables import Site


def test_a_key_tells_what_it_may_do(engine):
    site = Site(id=uuid.uuid4(), name="a site")
    with transaction(engine) as session:
        session.add(site)
        session.flush()
        wide = keys.issue(session, "wide", ["write", "read"])
        bound = keys.issue(session, "bound", ["read"], [site.id])
    with transaction(engine) as session:
        grant = keys.authenticate(session, wide)
        assert (set(grant.scopes), grant.sites) == ({"read", "write"}, None)
        assert keys.authenticate(session, bound).sites == frozenset({site.id})
        assert [key.name for key in keys.listed(session)] == ["wide", "bound"]


def test_a_key_for_no_site_that_is_there(engine):
    with pytest.raises(WallscanError) as caught, transaction(engine) as session:
        keys.issue(session, "lost", ["read"], [uuid.uuid4()])
    assert caught.value.code is Code.SITE_UNKNOWN


@pytest.mark.parametrize(
    "presented", ["", "wsk", "wsk__", "xyz_{prefix}_{secret}", "wsk_{prefix}_", "wsk_{prefix}_{prefix}"]
)
def test_what_is_no_key(engine, presented):
    with transaction(engine) as session:
        _, prefix, secret = keys.issue(session, "tests", ["read"]).split("_", 2)
    with transaction(engine) as session, pytest.raises(WallscanError) as caught:
        keys.authenticate(session, presented.format(prefix=prefix, secret=secret))
    assert caught.value.code is Code.KEY_INVALID


def test_a_key_is_revoked_once(engine):
    with transaction(engine) as session:
        prefix = keys.issue(session, "tests", ["read"]).split("_")[1]
        keys.revoke(session, prefix)
    with transaction(engine) as session, pytest.raises(WallscanError):
        keys.revoke(session, prefix)
