"""The configuration of a broker, written at every start: alone, or a member of a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={log_dirs}
auto.create.topics.enable=false
# After kill -9 the broker may come back once its old session is over: 9 s by default.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
# Consumers start at once, and tests may let them die fast.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# There is one node to copy to.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
num.network.threads=2
num.io.threads=4
log.index.size.max.bytes=1048576
# Of 128 MB by default, which a start writes to; here only offsets of groups are compacted.
log.cleaner.dedupe.buffer.size=2097152
"""

_MEMBER_PROPERTIES = """\
process.roles=broker,controller
node.id={node_id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
inter.broker.listener.name={between_brokers}
log.dirs={log_dirs}
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
# A copy that is silent for so long is not waited for any more: 30 s by default.
replica.lag.time.max.ms=5000
# For each listener, and there is one for each client.
num.network.threads=1
num.io.threads=4
log.index.size.max.bytes=1048576
# Of 128 MB by default, which a start writes to; here only offsets of groups are compacted.
log.cleaner.dedupe.buffer.size=2097152
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A port a broker listens on, and the address that it tells those who come there."""

    name: str
    port: int
    advertised: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A broker's place in a cluster whose members are all controllers as well.

    Attributes:
        node_id: from 1.
        cluster_id: the same for all members.
        voters: node id and `host:port` of every controller.
        listeners: for clients; one of them for the other brokers.
        between_brokers: the name of that one.
        controller: for the other controllers.
        copies: of each topic that names no number.
        in_sync: copies that must have a message.
        hosts: a file with the hosts' names and addresses as this broker alone sees them.
    """

    node_id: int
    cluster_id: str
    voters: Sequence[tuple[int, str]]
    listeners: Sequence[Listener]
    between_brokers: str
    controller: Listener
    copies: int
    in_sync: int
    hosts: Path | None = None


_LOG4J = """\
<Configuration status="WARN">
  <Appenders>
    <RollingFile name="file" fileName="{log}" filePattern="{log}.%i">
      <PatternLayout pattern="%d{{ISO8601}} %p %c{{1}} %m%n"/>
      <SizeBasedTriggeringPolicy size="10MB"/>
      <DefaultRolloverStrategy max="2"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="{level}"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""


def write_properties(path: Path, *, port: int, controller_port: int, log_dirs: Path) -> None:
    """Writes `server.properties`."""
    text = _PROPERTIES.format(
        port=port, controller_port=controller_port, log_dirs=_escaped(log_dirs)
    )
    path.write_text(text, encoding="utf-8")


def write_member_properties(path: Path, *, member: Member, log_dirs: Path) -> None:
    """Writes `server.properties` of a member of a cluster."""
    everyone = (*member.listeners, member.controller)
    text = _MEMBER_PROPERTIES.format(
        node_id=member.node_id,
        voters=",".join(f"{node_id}@{address}" for node_id, address in member.voters),
        listeners=",".join(f"{each.name}://127.0.0.1:{each.port}" for each in everyone),
        advertised=",".join(f"{each.name}://{each.advertised}" for each in everyone),
        protocols=",".join(f"{each.name}:PLAINTEXT" for each in everyone),
        between_brokers=member.between_brokers,
        copies=member.copies,
        in_sync=member.in_sync,
        log_dirs=_escaped(log_dirs),
    )
    path.write_text(text, encoding="utf-8")


def write_log4j(path: Path, *, log: Path) -> None:
    """Writes the configuration of the broker's log: one file, kept small."""
    path.write_text(_LOG4J.format(log=log, level="INFO"), encoding="utf-8")


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\")
