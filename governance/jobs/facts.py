"""What is kept of the history of facts: so many days of it, and none of it open."""

from datetime import datetime, time, timedelta

from governance.bootstrap import Infrastructure
from governance.facts import FactKeeper


def keep_facts(infrastructure: Infrastructure, now: datetime) -> None:
    """Drop what was superseded before the days that are kept, and seal what a migration wrote open.

    The days are whole days of UTC, so that what can be asked moves once a day.
    """
    keeper = FactKeeper(infrastructure.database, infrastructure.vault)
    keeper.seal_the_first()
    day = (now - timedelta(days=infrastructure.settings.facts_kept_days)).date()
    keeper.drop_before(infrastructure.audit.first_since(datetime.combine(day, time(), now.tzinfo)))
