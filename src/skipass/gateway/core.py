"""The gateway of one process: every use case, wired once. Surfaces hold this and nothing deeper."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from skipass.errors import SkipassError
from skipass.gateway import forgetting, probe, upkeep
from skipass.gateway.accounts import Accounts
from skipass.gateway.agent_connections import AgentConnections
from skipass.gateway.agent_details import AgentDetails
from skipass.gateway.agent_users import AgentUsers
from skipass.gateway.agents import Agents
from skipass.gateway.approvals import Approvals
from skipass.gateway.authenticate import Authenticator
from skipass.gateway.automatic import Automatic
from skipass.gateway.calls import Calls
from skipass.gateway.cancelling import Ending
from skipass.gateway.cards import Cards
from skipass.gateway.changing import Changing
from skipass.gateway.clients import Clients
from skipass.gateway.connections import Connections
from skipass.gateway.consents import Consents
from skipass.gateway.delivery import Delivery
from skipass.gateway.deps import Deps, data_key_place
from skipass.gateway.devices import Devices
from skipass.gateway.disconnecting import Disconnecting
from skipass.gateway.doctor.rounds import Doctor
from skipass.gateway.effective import Effective
from skipass.gateway.entering import Entering
from skipass.gateway.events import Events
from skipass.gateway.execute import Executor
from skipass.gateway.explaining import Explaining
from skipass.gateway.exporting import Exporting
from skipass.gateway.following import Following
from skipass.gateway.forgetting import Forgetting
from skipass.gateway.groups import Groups
from skipass.gateway.idempotency import OnceJournal
from skipass.gateway.issuer import Issuer
from skipass.gateway.issuing import Issuing
from skipass.gateway.jobs import Jobs
from skipass.gateway.key_pairs import KeyPairs
from skipass.gateway.landing import SWEEP_S, Landing
from skipass.gateway.linking import Linking
from skipass.gateway.mappings import Mappings
from skipass.gateway.mcp_clients import McpClients
from skipass.gateway.notices import Notices
from skipass.gateway.oauth_clients import OAuthClients
from skipass.gateway.oauth_tokens import ClientTokens
from skipass.gateway.overview import Overviews
from skipass.gateway.own_access import OwnAccess
from skipass.gateway.people import People
from skipass.gateway.person_details import PersonDetails
from skipass.gateway.policies import Policies
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.probe import Probe
from skipass.gateway.proving import Proving
from skipass.gateway.reconcile import Reconciler
from skipass.gateway.refresh import Refresher
from skipass.gateway.refusals import Refusals
from skipass.gateway.registrations import Registrations
from skipass.gateway.relay import Relay
from skipass.gateway.relay_pins import Pins
from skipass.gateway.relay_servers import RelayServers
from skipass.gateway.renewal import Renewal
from skipass.gateway.replacing import Replacing
from skipass.gateway.request_state import WaitingCalls
from skipass.gateway.resources import Resources
from skipass.gateway.reviews import Reviews
from skipass.gateway.revocation import Epoch
from skipass.gateway.running import Runner
from skipass.gateway.searching import Searching
from skipass.gateway.servers import Servers
from skipass.gateway.session_lists import SessionLists
from skipass.gateway.session_record import SessionRecords
from skipass.gateway.sessions import Sessions
from skipass.gateway.setup_links import SetupLinks
from skipass.gateway.signins import SignIns
from skipass.gateway.statement_calls import StatementCalls
from skipass.gateway.streaming import Streaming
from skipass.gateway.system import System
from skipass.gateway.tickets import Tickets
from skipass.gateway.tokens_issued import Tokens
from skipass.gateway.unbinding import Unbinding
from skipass.gateway.upkeep import Upkeep
from skipass.gateway.uploading import Uploading
from skipass.gateway.vaulting import WATCH_S, Vaulting
from skipass.gateway.waiting import Waiting
from skipass.gateway.whoami import Whoami
from skipass.gateway.worksheets import Worksheets
from skipass.nouns.connection import AuthMethod
from skipass.nouns.people import Tenant
from skipass.vault.seal import unseal


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a surface may call."""

    deps: Deps
    authenticator: Authenticator
    calls: Calls
    streaming: Streaming
    key_pairs: KeyPairs
    sessions: Sessions
    session_records: SessionRecords
    session_lists: SessionLists
    own_access: OwnAccess
    overviews: Overviews
    following: Following
    waiting: Waiting
    resources: Resources
    waiting_calls: WaitingCalls
    ending: Ending
    approvals: Approvals
    cards: Cards
    notices: Notices
    people: People
    unbinding: Unbinding
    groups: Groups
    reviews: Reviews
    automatic: Automatic
    sign_ins: SignIns
    entering: Entering
    tokens: Tokens
    oauth_clients: OAuthClients
    mcp_clients: McpClients
    client_tokens: ClientTokens
    consents: Consents
    devices: Devices
    agents: Agents
    agent_users: AgentUsers
    agent_connections: AgentConnections
    agent_details: AgentDetails
    person_details: PersonDetails
    connections: Connections
    doctor: Doctor
    changing: Changing
    replacing: Replacing
    accounts: Accounts
    linking: Linking
    landing: Landing
    uploading: Uploading
    disconnecting: Disconnecting
    registrations: Registrations
    setup_links: SetupLinks
    issuing: Issuing
    worksheets: Worksheets
    mappings: Mappings
    servers: Servers
    relays: RelayServers
    policies: Policies
    explaining: Explaining
    effective: Effective
    events: Events
    searching: Searching
    exporting: Exporting
    proving: Proving
    runner: Runner
    jobs: Jobs
    refresher: Refresher
    vaulting: Vaulting

    async def ready(self) -> dict[str, bool]:
        """Return what `/readyz` checks: storage, vault key, migrations, and that the policy is ours."""
        # Together: each of them may wait for a database that hangs as long as it has patience.
        checks = {
            "storage": self._can_write(),
            "vault_key": self._can_unseal(),
            "migrations": self.deps.journal.migrated(),
            "policy": self._same_policy(),
        }
        return dict(zip(checks, await asyncio.gather(*checks.values()), strict=True))

    async def _same_policy(self) -> bool:
        try:
            return await self.policies.same_file()
        except SkipassError:
            return False

    async def _can_write(self) -> bool:
        async def touch(unit: UnitOfWork) -> None:
            await unit.beat(self.deps.journal.boot_id)

        try:
            await self.deps.journal.write(touch)
        except SkipassError:
            return False
        return True

    async def _can_unseal(self) -> bool:
        async def load(reader: Reader) -> list[Tenant]:
            return await reader.find(Tenant, limit=1)

        try:
            has_every_key = await self.vaulting.watch()
            for tenant in await self.deps.journal.read(load):
                unseal(self.deps.kek, tenant.data_key, data_key_place(tenant.id))
        except SkipassError:
            return False
        return has_every_key


def _tell_upstream(deps: Deps, epoch: Epoch) -> Refresher:
    refresher = Refresher(deps, Renewal(deps, Clients(deps)), epoch)
    for method in (AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH):
        deps.upstream.makes[method] = refresher.source
    deps.upstream.hears = Refusals(deps, refresher)
    issuer = Issuer(deps)
    deps.upstream.makes[AuthMethod.EXTERNAL_OAUTH_ISSUER] = issuer.tokens
    deps.upstream.at_end.append(issuer.drop)
    return refresher


def build(deps: Deps) -> Gateway:
    """Return the gateway over these dependencies; nothing runs until `jobs.start`."""
    deps = replace(deps, journal=OnceJournal(deps.journal))
    epoch = Epoch(deps)
    refresher, vaulting = _tell_upstream(deps, epoch), Vaulting(deps)
    runner, authenticator = Runner(deps, epoch), Authenticator(deps)
    sessions, system = Sessions(deps), System(deps, runner)
    delivery, tickets = Delivery(deps, sessions), Tickets(deps, runner)
    ending = Ending(deps, sessions, runner)
    approvals = Approvals(deps, tickets)
    executor = Executor(deps, sessions, runner, delivery, system)
    reconciler = Reconciler(deps, runner, system)
    clients, whoami, connections = Clients(deps), Whoami(system), Connections(deps, system)
    landing, disconnecting = Landing(deps, clients, whoami), Disconnecting(deps, runner, clients)
    pins, issuing = Pins(deps, system), Issuing(deps)
    calls = Calls(
        deps,
        sessions=sessions,
        executor=executor,
        runner=runner,
        delivery=delivery,
        ending=ending,
        tickets=tickets,
        relay=Relay(deps, executor, sessions, pins),
    )
    statements = StatementCalls(deps, executor, runner, delivery, tickets)
    cards, events = Cards(deps, approvals, executor, tickets), Events(deps)
    records = SessionRecords(deps, sessions, cards, events)
    return Gateway(
        deps=deps,
        authenticator=authenticator,
        calls=calls,
        streaming=Streaming(deps, calls, statements, delivery, epoch),
        key_pairs=KeyPairs(deps, authenticator),
        sessions=sessions,
        session_records=records,
        session_lists=SessionLists(deps),
        own_access=OwnAccess(deps),
        overviews=Overviews(deps),
        following=Following(deps),
        waiting=Waiting(deps),
        resources=Resources(deps, calls, records),
        waiting_calls=WaitingCalls(deps),
        ending=ending,
        approvals=approvals,
        cards=cards,
        notices=Notices(deps),
        people=People(deps),
        unbinding=Unbinding(deps),
        groups=Groups(deps),
        reviews=Reviews(deps),
        automatic=Automatic(deps),
        sign_ins=SignIns(deps),
        entering=Entering(deps),
        tokens=Tokens(deps, authenticator),
        oauth_clients=OAuthClients(deps),
        mcp_clients=McpClients(deps),
        client_tokens=ClientTokens(deps),
        consents=Consents(deps),
        devices=Devices(deps),
        agents=Agents(deps),
        agent_users=AgentUsers(deps),
        agent_connections=AgentConnections(deps),
        agent_details=AgentDetails(deps),
        person_details=PersonDetails(deps),
        connections=connections,
        doctor=Doctor(deps, system, connections),
        changing=Changing(deps),
        replacing=Replacing(deps),
        accounts=Accounts(deps),
        linking=Linking(deps),
        landing=landing,
        uploading=Uploading(deps, whoami),
        disconnecting=disconnecting,
        registrations=Registrations(deps),
        setup_links=SetupLinks(deps, Registrations(deps)),
        issuing=issuing,
        worksheets=Worksheets(deps, connections, issuing),
        mappings=Mappings(deps),
        servers=Servers(deps),
        relays=RelayServers(deps, pins),
        policies=Policies(deps),
        explaining=Explaining(deps),
        effective=Effective(deps),
        events=events,
        searching=Searching(deps, sessions),
        exporting=Exporting(deps, sessions),
        proving=Proving(deps),
        runner=runner,
        jobs=Jobs(
            deps,
            epoch,
            ending,
            tickets,
            reconciler,
            (
                (Upkeep(deps, refresher).round, upkeep.ROUND_S),
                (Probe(deps, system).round, probe.ROUND_S),
                (vaulting.watch, WATCH_S),
                (landing.sweep, SWEEP_S),
                (disconnecting.sweep, SWEEP_S),
                (Forgetting(deps).round, forgetting.ROUND_S),
            ),
        ),
        refresher=refresher,
        vaulting=vaulting,
    )
