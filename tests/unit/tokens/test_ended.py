"""What was issued dies with whom it rests on, whichever process ended it: tokens, assertions, identity tokens.

``other`` is the register as another process has it: its own connections to the same database.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from governance.audit import Recorder, Source
from governance.clock import FixedClock, SystemClock
from governance.facts import FactWriter
from governance.federation import FederationDirectory, Person, Registered
from governance.pseudonyms import Pseudonymiser, Vault
from governance.registers import OPERATOR, Changes, Ending, Endings, Target
from governance.storage import Database
from governance.tokens import AccessGrant, OAuthError, TokenFault, TokenRefused
from governance.tokens.access import API_SECONDS
from governance.tokens.revocation import EVERY_SECOND, LEEWAY
from governance.vocabulary import SYSTEM, Role, SubjectType
from tests.worlds.processes import at_once
from tests.worlds.tokens import ARCHIVE, ISSUER, TokenWorld, form

IDP = "https://idp.rkb.test"
VIEWER = Target(Registered.CLIENT, "viewer.rkb")
PROVIDER = Target(Registered.IDENTITY_PROVIDER, IDP)
CLINICIAN = Target(Registered.PERSON, IDP, "clinician.rkb")
SECOND = timedelta(seconds=1)
BAR = 1.0  # seconds within which an end is in effect everywhere
ROUNDS = 40


@pytest.fixture
def world(database: Database, clock: FixedClock) -> Iterator[TokenWorld]:
    made = TokenWorld(database, clock)
    with database.transaction() as session:
        made.federation.register_person(session, Person(IDP, "clinician.rkb", "RKB", frozenset({Role.IG_OFFICER})))
    yield made
    made.close()


@pytest.fixture
def other(world: TokenWorld) -> Iterator[Endings]:
    opened = Database(world.database.url)
    yield endings_on(opened, world)
    opened.dispose()


def endings_on(database: Database, world: TokenWorld) -> Endings:
    numbers = itertools.count(1)
    recorder = Recorder(world.audit, world.clock, Source(SYSTEM, "QHL"), lambda: f"ended-{next(numbers)}")
    pseudonymiser = Pseudonymiser(b"k" * 32)
    return Endings(
        changes=Changes(database, recorder, FactWriter(Vault(b"e" * 32))),
        federation=FederationDirectory(pseudonymiser),
        pseudonymiser=pseudonymiser,
        clock=world.clock,
    )


def api_token(world: TokenWorld) -> str:
    client = world.tokens.authenticate_client(world.client_form(world.assertion()))
    return world.tokens.client_credentials(form(), client).access_token


def study_token(world: TokenWorld) -> str:
    """Give a token of a person, as an exchange mints it."""
    grant = AccessGrant(
        subject=Pseudonymiser(b"k" * 32).subject("clinician.rkb"),
        subject_type=SubjectType.PRACTITIONER,
        subject_issuer=IDP,
        ods="RKB",
        client_id="viewer.rkb",
        audience=ARCHIVE,
        scopes=frozenset({"imaging"}),
        seconds=60,
    )
    return world.tokens.mint(grant).token


def lives(world: TokenWorld, token: str, audience: str = ISSUER) -> bool:
    """Say whether a token opens anything; whoever is asked must say the same."""
    claims = world.tokens.verify_bearer(token, audience)
    with world.database.reading() as session:
        batched = _holds(lambda: world.tokens.check_alive(session, claims))
    plain = _holds(lambda: world.tokens.verify_access(token, audience))
    told = world.tokens.introspect(token, world.client("archive.rrk"))["active"]
    assert batched is plain
    assert audience != ARCHIVE or told is plain
    return plain


def _holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except TokenRefused as refusal:
        return refusal.fault is not TokenFault.REVOKED
    return True


def test_a_suspended_client_is_nobody_and_its_tokens_are_dead(world: TokenWorld, other: Endings) -> None:
    token, study, assertion = api_token(world), study_token(world), world.assertion()
    assert lives(world, token)
    assert lives(world, study, ARCHIVE)
    other.act(OPERATOR, VIEWER, Ending.SUSPEND)
    assert not lives(world, token)
    assert not lives(world, study, ARCHIVE)
    with pytest.raises(OAuthError) as refused:
        world.tokens.authenticate_client(world.client_form(assertion))
    assert refused.value.error == "invalid_client"


def test_what_was_issued_before_stays_dead_when_a_client_is_resumed(world: TokenWorld, other: Endings) -> None:
    token, assertion = api_token(world), world.assertion()
    other.act(OPERATOR, VIEWER, Ending.SUSPEND)
    world.clock.advance(SECOND)
    other.act(OPERATOR, VIEWER, Ending.RESUME)
    assert not lives(world, token)
    for made in (assertion, world.assertion(iat=...)):
        with pytest.raises(OAuthError) as refused:
            world.tokens.authenticate_client(world.client_form(made))
        assert refused.value.error == "invalid_client"
    world.clock.advance(SECOND)
    assert lives(world, api_token(world))


@pytest.mark.parametrize("target", [PROVIDER, CLINICIAN], ids=["issuer", "person"])
def test_what_a_provider_issued_during_a_suspension_stays_dead(
    world: TokenWorld, other: Endings, target: Target
) -> None:
    """It knows nothing of ours and goes on issuing: neither a second suspension nor resuming lets that count."""
    tokens = []
    for ending in (Ending.SUSPEND, Ending.SUSPEND, Ending.RESUME):
        other.act(OPERATOR, target, ending)
        world.clock.advance(SECOND)
        tokens.append(world.identity_token(nonce=str(len(tokens))))
    for meanwhile in tokens[:2]:
        with pytest.raises(OAuthError) as refused:
            world.tokens.verify_subject_token(meanwhile)
        assert refused.value.cause == TokenFault.REVOKED.value
    assert world.tokens.verify_subject_token(tokens[2]).subject == "clinician.rkb"


def test_not_before_leaves_a_client_and_ends_what_it_had(world: TokenWorld, other: Endings) -> None:
    token = api_token(world)
    other.act(OPERATOR, VIEWER, Ending.NOT_BEFORE)
    assert not lives(world, token)
    world.clock.advance(SECOND)
    assert lives(world, api_token(world))


@pytest.mark.parametrize("target", [PROVIDER, CLINICIAN], ids=["issuer", "person"])
@pytest.mark.parametrize("ending", [Ending.SUSPEND, Ending.DELETE, Ending.NOT_BEFORE])
def test_identity_tokens_and_what_they_were_exchanged_for_end_with_issuer_and_person(
    world: TokenWorld, other: Endings, target: Target, ending: Ending
) -> None:
    identity, study, token = world.identity_token(), study_token(world), api_token(world)
    assert world.tokens.verify_subject_token(identity).subject == "clinician.rkb"
    other.act(OPERATOR, target, ending)
    with pytest.raises(OAuthError):
        world.tokens.verify_subject_token(identity)
    assert not lives(world, study, ARCHIVE)
    assert lives(world, token)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (VIEWER, "client viewer.rkb"),
        (PROVIDER, f"identity_provider {IDP}"),
        (CLINICIAN, f"person RKB {Pseudonymiser(b'k' * 32).subject('clinician.rkb')}"),
        (Target(Registered.NETWORK, ""), "*"),
    ],
    ids=["client", "issuer", "person", "network"],
)
def test_whoever_verifies_tokens_without_us_is_told_while_one_may_live(
    world: TokenWorld, other: Endings, target: Target, name: str
) -> None:
    """Bounded: up to then. Suspended: whenever it was issued, for the clocks of two processes differ."""
    now = world.clock.now()
    other.act(OPERATOR, target, Ending.NOT_BEFORE)
    assert world.tokens.revoked().ended == {name: int(now.timestamp())}
    if target.kind is not Registered.NETWORK:
        other.act(OPERATOR, target, Ending.SUSPEND)
        assert world.tokens.revoked().ended == {name: EVERY_SECOND}
    world.clock.advance(timedelta(seconds=API_SECONDS + LEEWAY))
    assert name in world.tokens.revoked().ended
    world.clock.advance(SECOND)
    assert world.tokens.revoked().ended == {}


def test_everything_of_before_a_restore_is_dead(world: TokenWorld) -> None:
    identity, study, token = world.identity_token(), study_token(world), api_token(world)
    with world.database.transaction() as session:
        world.federation.end_everything(session, world.clock.now())
    with pytest.raises(OAuthError):
        world.tokens.verify_subject_token(identity)
    assert not lives(world, study, ARCHIVE)
    assert not lives(world, token)
    world.clock.advance(SECOND)
    assert lives(world, api_token(world))


def test_one_persons_end_is_nobody_elses(world: TokenWorld, other: Endings) -> None:
    other.act(OPERATOR, CLINICIAN, Ending.SUSPEND)
    assert world.tokens.verify_subject_token(world.identity_token(sub="somebody.else")).subject == "somebody.else"


def test_an_end_is_in_effect_in_another_process_within_a_second(world: TokenWorld) -> None:
    """The poller of one process meets each end of another: the slowest of all counts."""
    ended, seen = at_once(world.database.url, _play, [("end",), ("poll",)])
    late = sorted(seen[name] - ended[name] for name in ended)
    assert len(late) == ROUNDS
    assert late[int(ROUNDS * 0.99) - 1] < BAR, late


def _play(database: Database, part: str) -> dict[str, float]:
    """End clients one by one, or watch until each has ended; gives when, by the machine's monotonic clock."""
    federation = FederationDirectory(Pseudonymiser(b"k" * 32))
    when: dict[str, float] = {}
    clock = SystemClock()
    for number in range(ROUNDS):
        name = f"client-{number}"
        if part == "end":
            with database.transaction() as session:
                standing = federation.standing(session, Registered.CLIENT, name)
                federation.register_standing(session, standing.suspended(clock.now()))
            when[name] = time.monotonic()
        else:
            while name not in when:
                with database.reading() as session:
                    if not federation.admits(session, clock.now() + SECOND, (Registered.CLIENT, name)):
                        when[name] = time.monotonic()
    return when
