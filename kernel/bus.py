"""The in-memory bus: topics to mailboxes, permissions from the declarations, last values kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs

from .activity import Activity
from .envelope import Envelope
from .errors import MailboxOverflow, PermissionDenied, UsageError
from .message import Declaration, declaration_of, is_token, matches
from .subscription import Pattern, Subscription

Mailboxes = list[Subscription[Any]]


@attrs.frozen
class BusStatistics:
    """What has passed over a bus."""

    published: int
    delivered: int
    published_by_message: dict[str, int]
    subscriptions: int
    retained: int


class _Table:
    """Who receives a message class: subscriptions by topic, and the routes found so far.

    Both are trees of dicts, one level for each field of the topic, so that a message finds its receivers without its
    topic being written out. The subscriptions' tree has ``*`` beside the values; a route is found in it once per
    topic, by at most two branches a level however many subscriptions there are.
    """

    __slots__ = ("declaration", "lookup", "published", "retain", "retained", "routes", "subscribers", "subscriptions")

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.lookup = declaration.lookup
        self.retain = declaration.retain
        self.published = 0
        self.subscribers = 0
        self.subscriptions: dict[Any, Any] = {}
        self.routes: dict[Any, Any] = {}
        self.retained: dict[str, Envelope[Any]] = {}

    def mailboxes(self, pattern: str) -> Mailboxes:
        """The list of subscriptions under a pattern, made when it is not there."""
        tokens = zip(self.declaration.pattern, pattern.split("."), strict=True)
        return _leaf(self.subscriptions, [value for token, value in tokens if token[0] == "{"], [])

    def find(self, message: object) -> Mailboxes:
        """The subscriptions whose pattern a message's topic fits."""
        trees: list[Any] = [self.subscriptions]
        for key in self._keys(message):
            trees = [tree[branch] for tree in trees for branch in (key, "*") if branch in tree]
        return [subscription for mailboxes in trees for subscription in mailboxes]

    def enter_route(self, message: object, route: Mailboxes) -> None:
        """Keep a route under the topic fields of a message."""
        _leaf(self.routes, self._keys(message), route)

    def _keys(self, message: object) -> list[Any]:
        return [getattr(message, name) for name in self.declaration.topic_fields] or [None]


def _leaf(tree: dict[Any, Any], keys: list[Any], otherwise: Mailboxes) -> Mailboxes:
    """What stands in a tree under some keys; where nothing does, enter something else."""
    *path, last = keys or [None]
    for key in path:
        tree = tree.setdefault(key, {})
    found: Mailboxes = tree.setdefault(last, otherwise)
    return found


class Bus:
    """Publish and subscribe between the components of one process."""

    def __init__(self) -> None:
        self._tables: dict[type, _Table] = {}
        self._texts: dict[str, Mailboxes] = {}
        self._send_rules: dict[str, dict[type, str | None]] = {}
        self._delivered = 0
        self._subscriptions = 0

    # Permissions

    def send_rules(self, role: str) -> dict[type, str | None]:
        """What a role may send, as far as it has asked: message class to the field that must carry its name."""
        return self._send_rules.setdefault(role, {})

    def authorise_sender(self, address: str, role: str, cls: type) -> str | None:
        """Look a message class up in its declaration and enter the role's rule.

        Raises:
            PermissionDenied: the role may not send the message.
        """
        declaration = declaration_of(cls)
        rules = declaration.sender_rules
        if role not in rules and "*" not in rules:
            raise PermissionDenied(address, "send", cls.__name__, declaration.senders)
        rule = self.send_rules(role)[cls] = rules.get(role, rules.get("*"))
        return rule

    def receiver_field(self, address: str, role: str, declaration: Declaration) -> str | None:
        """The topic field that must carry the receiver's own name; None where it may hear all.

        Raises:
            PermissionDenied: the role may not hear the message.
        """
        rules = declaration.receiver_rules
        if role not in rules and "*" not in rules:
            raise PermissionDenied(address, "hear", declaration.cls.__name__, declaration.receivers)
        return rules.get(role, rules.get("*"))

    def _may_hear(self, address: str, declaration: Declaration, topic: str) -> bool:
        """Whether a component that subscribed to a pattern given as text may have what it matches."""
        role, _, name = address.partition(".")
        rules = declaration.receiver_rules
        if role not in rules and "*" not in rules:
            return False
        bound = rules.get(role, rules.get("*"))
        return bound is None or matches(declaration.subject(**{bound: name}), topic)

    # Subscriptions

    def subscribe(self, subscription: Subscription[Any], patterns: tuple[Pattern, ...]) -> list[Envelope[Any]]:
        """Enter a subscription; returns the last values that it has missed, oldest first."""
        self._subscriptions += 1
        missed: list[Envelope[Any]] = []
        for cls, pattern in patterns:
            if cls is None:
                self._texts.setdefault(pattern, []).append(subscription)
                tables = list(self._tables.values())
            else:
                tables = [self._table(cls)]
                tables[0].mailboxes(pattern).append(subscription)
                tables[0].subscribers += 1
            for table in tables:
                table.routes.clear()
                missed += self._missed(table, cls, pattern, subscription.address)
        once = {id(envelope): envelope for envelope in missed}.values()
        return sorted(once, key=lambda e: (e.instant, e.round, e.sender, e.sequence))

    def unsubscribe(self, subscription: Subscription[Any], patterns: tuple[Pattern, ...]) -> None:
        """Take a subscription out; does nothing when it is out already."""
        found = False
        for cls, pattern in patterns:
            mailboxes = self._texts.get(pattern, []) if cls is None else self._table(cls).mailboxes(pattern)
            if subscription in mailboxes:
                mailboxes.remove(subscription)
                found = True
                if cls is not None:
                    self._table(cls).subscribers -= 1
        if found:
            self._subscriptions -= 1
            for table in self._tables.values():
                table.routes.clear()

    def listens(self, cls: type) -> bool:
        """Whether there is a subscription that messages of a class may go to."""
        table = self._tables.get(cls)
        return bool(table is not None and table.subscribers) or any(self._texts.values())

    def _missed(self, table: _Table, cls: type | None, pattern: str, address: str) -> list[Envelope[Any]]:
        if cls is not None and "*" not in pattern:
            return [table.retained[pattern]] if pattern in table.retained else []
        return [
            envelope
            for topic, envelope in table.retained.items()
            if matches(pattern, topic) and (cls is not None or self._may_hear(address, table.declaration, topic))
        ]

    def _table(self, cls: type) -> _Table:
        table = self._tables.get(cls)
        if table is None:
            table = self._tables[cls] = _Table(declaration_of(cls))
        return table

    # Delivery

    def deliver(
        self,
        outbox: list[Envelope[Any]],
        ready: list[Activity],
        answer: Callable[[Envelope[Any]], None],
        blame: Callable[[str, Exception], None],
    ) -> None:
        """Put the messages of a round into mailboxes; the activities that waited for one become ready.

        A topic that is none is its sender's fault, a mailbox that runs over its receiver's: both go to ``blame``.
        """
        tables = self._tables
        delivered, last = 0, None
        for envelope in outbox:
            message = envelope.message
            cls = message.__class__
            if cls is not last:
                last, table = cls, tables.get(cls) or self._table(cls)
                lookup, routes, retain = table.lookup, table.routes, table.retain
            table.published += 1
            try:
                route = lookup(message, routes)
            except (KeyError, TypeError):
                try:
                    route = self._find_route(table, envelope)
                except UsageError as error:
                    blame(envelope.sender, error)
                    continue
            delivered += len(route)
            for subscription in route:
                activity = subscription.waiter
                if activity is not None:
                    subscription.waiter = None
                    activity.inbound = envelope
                    ready.append(activity)
                else:
                    try:
                        subscription.store(envelope)
                    except MailboxOverflow as error:
                        blame(subscription.address, error)
            if retain:
                table.retained[envelope.topic] = envelope
            if envelope.reply_to is not None:
                answer(envelope)
        self._delivered += delivered

    def _find_route(self, table: _Table, envelope: Envelope[Any]) -> Mailboxes:
        declaration, topic = table.declaration, envelope.topic
        _check_topic(declaration, envelope)
        found = table.find(envelope.message)
        for pattern, mailboxes in self._texts.items():
            if matches(pattern, topic):
                found += [s for s in mailboxes if self._may_hear(s.address, declaration, topic)]
        route = list({id(s): s for s in found}.values()) if len(found) > 1 else found
        table.enter_route(envelope.message, route)
        return route

    def statistics(self) -> BusStatistics:
        """Counts since the start."""
        counts = Counter({table.declaration.name: table.published for table in self._tables.values()})
        return BusStatistics(
            published=counts.total(),
            delivered=self._delivered,
            published_by_message={name: count for name, count in sorted(counts.items()) if count},
            subscriptions=self._subscriptions,
            retained=sum(len(table.retained) for table in self._tables.values()),
        )


def _check_topic(declaration: Declaration, envelope: Envelope[Any]) -> None:
    for name in declaration.topic_fields:
        text = getattr(envelope.message, name)
        if not (isinstance(text, str) and is_token(text)):
            raise UsageError(
                f"{envelope.sender} published {declaration.cls.__name__} with {name}={text!r}; a field of the "
                f"topic {declaration.topic} holds letters, digits, - and _ only"
            )
