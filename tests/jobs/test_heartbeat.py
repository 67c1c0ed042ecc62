from threading import Event

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.jobs.heartbeat import held


class Lease:
    """Counts its extensions; `answers` are used up one an extension, the last for ever."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.extended = 0
        self.thrice = Event()

    def __call__(self) -> bool:
        self.extended += 1
        if self.extended == 3:
            self.thrice.set()
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_lease_is_extended_while_the_work_lasts_and_not_after():
    lease = Lease(True)
    with held(lease, lease_s=0.03):
        assert lease.thrice.wait(30)
    after = lease.extended
    assert not Event().wait(0.1)
    assert lease.extended == after


def test_short_work_is_done_before_the_first_beat():
    lease = Lease(True)
    with held(lease, lease_s=3000):
        pass
    assert lease.extended == 0


def test_a_lost_claim_ends_the_beating():
    lease = Lease(True, False)
    with held(lease, lease_s=0.03):
        assert not lease.thrice.wait(0.3)
    assert lease.extended == 2


def test_a_database_that_is_away_is_asked_again():
    lease = Lease(UnavailableError(Code.DATABASE_UNAVAILABLE, "away"), True)
    with held(lease, lease_s=0.03):
        assert lease.thrice.wait(30)
