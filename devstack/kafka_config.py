"""The configuration of a broker of one node, written at every start."""

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
"""

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


def write_log4j(path: Path, *, log: Path) -> None:
    """Writes the configuration of the broker's log: one file, kept small."""
    path.write_text(_LOG4J.format(log=log, level="INFO"), encoding="utf-8")


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\")
