"""Draws everybody: trusts of uneven size, their staff, their catchments' households, and who is who."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from governance.simulation.protocol.folk.people import CLINICAL, POSTS, RADIOLOGY, Patient, Staff, Trust
from governance.simulation.protocol.folk.ties import Home, Numbers, Surnames, household_size
from governance.simulation.protocol.parameters import Parameters
from governance.simulation.protocol.plan import Plan
from governance.vocabulary import Role

_PATIENTS = 30  # of each member of staff
_OWN = 0.75  # share of staff who are patients of the region
_VIP = 1.4e-4  # share of patients whom everybody knows
_TEAM = 8  # people in a team
_LOCAL = 0.85  # share of staff who live where they work
_SYLLABLES = ("Ash", "Bram", "Cald", "Dun", "Elm", "Fen", "Gar", "Holt", "Ing", "Kel", "Lin", "Mar", "Nor", "Oak")
_ENDINGS = ("bury", "combe", "field", "ford", "ham", "ley", "mere", "stead", "ton", "wick", "worth", "by", "dale")


class Population:
    """Everybody, and the ways in which they are looked up."""

    def __init__(self, plan: Plan, parameters: Parameters, rng: Random) -> None:
        self.trusts = _trusts(plan, parameters, rng)
        self.staff: list[Staff] = []
        self.patients: list[Patient] = []
        self.catchment: dict[str, list[Patient]] = {trust.ods: [] for trust in self.trusts}
        self.members: dict[int, list[Patient]] = defaultdict(list)  # of each household
        self._plan, self._parameters, self._rng = plan, parameters, rng
        self._surnames, self._numbers = Surnames(parameters.surname_offset), Numbers(rng)
        self._homes = 0
        for trust in self.trusts:
            self._settle(trust)
        for trust in self.trusts:
            self._employ(trust)
        self._choose_vips()
        counted = Counter(patient.home.surname for patient in self.patients)
        counted.update(person.home.surname for person in self.staff)
        total = sum(counted.values())
        self.shares = {rank: round(count / total, 8) for rank, count in counted.items()}
        self.by_ods = {trust.ods: trust for trust in self.trusts}

    def at(self, ods: str, department: str | None = None, *roles: Role) -> list[Staff]:
        """Give the staff of a trust, of a department and in some roles where given."""
        return [
            person
            for person in self.staff
            if person.ods == ods
            and (department is None or person.department == department)
            and (not roles or person.role in roles)
        ]

    def relatives(self, person: Staff) -> list[Patient]:
        """Give the patients who live with somebody, themselves left out."""
        if person.home.residence:
            return []
        return [one for one in self.members[person.home.number] if one is not person.patient]

    def new_home(self, trust: Trust, *, residence: bool = False) -> Home:
        """Draw a household of a trust's catchment."""
        rng = self._rng
        self._homes += 1
        area = min(int(rng.betavariate(1.0, 1.25) * self._parameters.postcodes), self._parameters.postcodes - 1)
        surname = self._surnames.draw(rng, trust.favourites)
        known = residence or rng.random() < self._parameters.keys_known
        return Home(self._homes, surname, f"{trust.ods}-{area}", known, residence)

    def new_number(self) -> str:
        """Give an NHS number that nobody has."""
        return self._numbers.take()

    def new_patient(self, trust: Trust, home: Home) -> Patient:
        """Draw a patient of a household."""
        rng = self._rng
        age = min(99, int(rng.triangular(0, 99, 58)))
        made = Patient(self._numbers.take(), trust.ods, home, rng.choice("fm"), age)
        self.patients.append(made)
        self.catchment[trust.ods].append(made)
        self.members[home.number].append(made)
        return made

    def _settle(self, trust: Trust) -> None:
        wanted = round(self._plan.staff * _PATIENTS * trust.weight)
        while len(self.catchment[trust.ods]) < wanted:
            home = self.new_home(trust)
            for _ in range(household_size(self._rng)):
                self.new_patient(trust, home)

    def _employ(self, trust: Trust) -> None:
        rng, plan = self._rng, self._plan
        residences = [self.new_home(trust, residence=True)] if plan.plays("residences") else []
        posts = _posts(rng, trust, max(18, round(plan.staff * trust.weight)))
        teams: Counter[str] = Counter()
        for number, (role, department, shifts) in enumerate(posts):
            teams[department] += 1
            team = f"{trust.ods.lower()}-{department.replace('_', '-')}-{1 + teams[department] // _TEAM}"
            home = self._home_of(trust, residences)
            person = Staff(
                id=f"{trust.ods.lower()}.{10_000 + number * 7 + rng.randrange(7)}",
                ods=trust.ods,
                role=role,
                department=department,
                site=rng.choice(trust.sites),
                team=team,
                pattern="shift" if rng.random() < shifts else "day",
                phase=rng.randrange(840),
                busy=rng.choice((1, 1, 2, 2, 3)),
                home=home,
                training=(plan.first_day + timedelta(days=rng.randint(plan.days, 500))).isoformat(),
            )
            if rng.random() < _OWN:
                person.patient = self._own_record(trust, person)
            if trust.opens:
                person.away.append((0, trust.opens))
            person.away += _leave(rng, plan.days)
            self.staff.append(person)
        _appoint_managers(self.at(trust.ods))

    def _home_of(self, trust: Trust, residences: Sequence[Home]) -> Home:
        """Give where somebody who works at a trust lives: with patients of the region, or alone in a residence."""
        rng = self._rng
        if residences and rng.random() < 0.03:
            return residences[0]
        lives = trust if rng.random() < _LOCAL else rng.choice(self.trusts)
        if rng.random() < 0.7:
            return rng.choice(self.catchment[lives.ods]).home
        return self.new_home(lives)

    def _own_record(self, trust: Trust, person: Staff) -> Patient:
        lives = next((one for one in self.trusts if person.home.postcode.startswith(f"{one.ods}-")), trust)
        made = self.new_patient(lives, person.home)
        made.staff, made.age = person, self._rng.randint(21, 66)
        return made

    def _choose_vips(self) -> None:
        adults = [one for one in self.patients if one.staff is None and one.age > 17]
        for patient in self._rng.sample(adults, max(3, round(_VIP * len(self.patients)))):
            patient.flags.add("vip")


def _trusts(plan: Plan, parameters: Parameters, rng: Random) -> list[Trust]:
    drawn = [max(0.35, rng.lognormvariate(0, 0.5)) for _ in range(parameters.trusts)]
    names: set[str] = set()
    while len(names) < parameters.trusts:
        names.add(f"{rng.choice(_SYLLABLES)}{rng.choice(_ENDINGS)}")
    made = []
    for number, (weight, name) in enumerate(zip(drawn, sorted(names), strict=True), 1):
        ods, share = f"Z{number:02d}", weight / sum(drawn)
        sites = tuple(f"{ods.lower()}-{site}" for site in ("main", "north", "park", "east")[: rng.randint(1, 4)])
        count = min(len(CLINICAL), max(4, round(plan.staff * share / 14)))
        others = rng.sample(CLINICAL[1:], count - 1)
        made.append(Trust(ods, f"{name} Hospitals", share, sites, (CLINICAL[0], *sorted(others))))
    if plan.plays("common_surnames"):
        for trust in rng.sample(made, 2):
            trust.favourites = tuple(rng.sample(range(60, 2_000), 2))
    if plan.plays("new_trust"):
        rng.choice(made).opens = plan.warm_up + (plan.days - plan.warm_up) // 3
    return made


def _posts(rng: Random, trust: Trust, count: int) -> list[tuple[Role, str, float]]:
    """Fill a trust's posts: what none can be without first, the rest by their shares."""
    found: list[tuple[Role, str, float]] = [
        (role, department or trust.departments[0], shifts) for role, department, _, shifts in POSTS
    ]
    found += [(role, RADIOLOGY, 0.5) for role in (Role.CONSULTANT_RADIOLOGIST, Role.RADIOGRAPHER) for _ in range(2)]
    found += [(Role.CLINICIAN, department, 0.5) for department in trust.departments[1:]]
    weights = [share for _, _, share, _ in POSTS]
    for role, department, _, shifts in rng.choices(POSTS, weights, k=max(0, count - len(found))):
        found.append((role, department or rng.choice(trust.departments), shifts))
    return found


def _leave(rng: Random, days: int) -> list[tuple[int, int]]:
    """Draw the weeks somebody is on holiday."""
    return [
        (first, first + rng.choice((5, 7, 9, 14)))
        for first in range(rng.randint(0, 40), days, 45)
        if rng.random() < 0.6
    ]


def _appoint_managers(staff: Sequence[Staff]) -> None:
    heads: dict[str, str] = {}
    for person in staff:
        head = heads.setdefault(person.department, person.id)
        if head != person.id:
            person.manager = head
