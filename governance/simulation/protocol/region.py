"""The region while it lives: people, studies, what is planned for which day, and the ways to act in it."""

from collections import defaultdict, deque
from collections.abc import Callable
from random import Random

from governance.simulation.protocol.acting.acts import Acts
from governance.simulation.protocol.acting.reasons import Reason, Reasons
from governance.simulation.protocol.acting.studies import Modalities, Study
from governance.simulation.protocol.folk.duty import Duty
from governance.simulation.protocol.folk.people import Patient, Staff
from governance.simulation.protocol.folk.population import Population
from governance.simulation.protocol.folk.services import Service
from governance.simulation.protocol.parameters import Parameters
from governance.simulation.protocol.plan import Plan
from governance.simulation.protocol.sending.channels import Channel
from governance.simulation.protocol.sending.outbox import PATIENTS, STAFF, STUDIES, Outbox
from governance.simulation.protocol.sending.wiring import channels
from governance.simulation.protocol.times import DAY, HOUR, MINUTE, day_written, start_of
from governance.simulation.protocol.truth import Tally

_RECENT = 6_000  # studies of a trust that are looked at again by whoever passes

Task = Callable[[], None]


class Region:
    """The region; one day at a time is lived by :mod:`care`, the rest is planned for it.

    Args:
        plan: what is generated.
        outbox: where everything goes.
    """

    def __init__(self, plan: Plan, outbox: Outbox) -> None:
        self.plan = plan
        self.first = start_of(plan.first_day)
        self.tally = Tally()
        self.parameters = Parameters.drawn(self.stream("parameters"), plan.shift)
        self.population = Population(plan, self.parameters, self.stream("population"))
        self.trusts = self.population.trusts
        self.channels: dict[str, Channel] = channels(
            plan, self.parameters, self.trusts, self.stream("wiring"), self.tally
        )
        self.reasons = Reasons(outbox)
        by_ods = self.population.by_ods
        self.acts = Acts(self.parameters, by_ods, self.channels, outbox, self.reasons, self.tally)
        self.acts.sessions.remote = self.parameters.remote
        self.services: list[Service] = []
        self.agenda: dict[int, list[Task]] = defaultdict(list)
        self.duty = Duty(plan, [], 0)
        self.recent: dict[str, deque[Study]] = {trust.ods: deque(maxlen=_RECENT) for trust in self.trusts}
        self.studies_of: dict[str, list[Study]] = defaultdict(list)
        self.acts.sessions.shift = self._hours
        self._outbox = outbox
        self._modalities = Modalities(100_000 + plan.seed)
        self._documents = self.stream("documents")

    @property
    def day(self) -> int:
        """Give the number of the day that is being lived."""
        return self.duty.day

    def stream(self, name: str) -> Random:
        """Give a stream of chance of its own, the same for each seed and name."""
        return Random(f"{self.plan.seed}/{name}")  # noqa: S311 - a simulation must be repeatable

    def start(self, day: int) -> int:
        """Give the first millisecond of a day."""
        return self.first + day * DAY

    def open(self, trust_ods: str) -> bool:
        """Say whether a trust takes part already."""
        return self.day >= self.population.by_ods[trust_ods].opens

    def later(self, day: int, task: Task) -> None:
        """Plan something for a day; what lies behind the end never happens."""
        self.agenda[day].append(task)

    def at(self, instant: int, task: Task) -> None:
        """Do something at once if its time is today, else on its day."""
        day = (instant - self.first) // DAY
        if day <= self.day:
            task()
        else:
            self.later(day, task)

    def documented(self) -> bool:
        """Say whether a reason is written down."""
        return self._documents.random() < self.parameters.documentation

    def document(self, reason: Reason, written_at: int, *, surely: bool = False) -> None:
        """Send a reason, if it is written down; it draws as often either way, so that nothing else changes with it."""
        written = self.documented()
        sent = self.channels[reason.system].sent(written_at, self._documents)
        if written or surely:
            self.reasons.send(reason, sent)

    def _hours(self, who: Staff) -> tuple[int, int] | None:
        """Give from when to when somebody works today."""
        hours = self.duty.hours(who)
        start = self.start(self.day)
        return None if hours is None else (start + hours[0], start + hours[1])

    def examine(self, ods: str, patient: Patient, department: str, taken: int, rng: Random) -> Study:
        """Take an examination; its study goes to the catalogue."""
        study = self._modalities.take(rng, ods, patient, department, taken)
        self.recent[ods].append(study)
        self.studies_of[patient.number].append(study)
        self.tally.counts["studies"] += 1
        sent = self.channels[f"catalogue-{ods.lower()}"].sent(taken, rng)
        if sent is not None:
            self._outbox.put(STUDIES, study.row(), sent)
        return study

    def label(self, study: Study, label: str, at: int) -> None:
        """Label a study that is on file."""
        study.labels = (label,)
        self._outbox.put(STUDIES, study.row(), at)

    def tell_of_staff(self, person: Staff, at: int) -> None:
        """Send the line of a member of staff."""
        self._outbox.put(STAFF, person.row(self.population.shares), at)

    def tell_of_patient(self, patient: Patient, at: int, *, died: bool = False) -> None:
        """Send the line of a patient."""
        day = day_written(self.start(patient.died)) if died and patient.died is not None else None
        self._outbox.put(PATIENTS, patient.row(self.population.shares, day), at)

    def begin(self, day: int) -> None:
        """Begin a day: see who is on duty."""
        self.duty = Duty(self.plan, self.population.staff, day)
        self.acts.forget(self.start(day) - 30 * HOUR)

    def load(self) -> None:
        """Send everybody who is there before the first day."""
        night = self.first - 5 * HOUR
        for number, person in enumerate(self.population.staff):
            opens = self.population.by_ods[person.ods].opens
            self.tell_of_staff(person, self.start(opens - 2) if opens else night + number)
        for number, patient in enumerate(self.population.patients):
            self.tell_of_patient(patient, night + MINUTE + number // 100)
