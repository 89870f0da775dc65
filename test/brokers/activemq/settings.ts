/** What beds of ActiveMQ can be told. */
export interface ActivemqSettings {
  /** Names and passwords of those that get in. Default: everybody does. */
  readonly users?: Readonly<Record<string, string>>
  /** Options of the MQTT connector's URI, such as `{ 'transport.activeMQSubscriptionPrefetch': 5 }`. */
  readonly connector?: Readonly<Record<string, string | number | boolean>>
}

const namespaces = [
  'xmlns="http://www.springframework.org/schema/beans"',
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
  'xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd',
  'http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd"',
].join(' ')

/** `activemq.xml`: a broker that keeps what it has confirmed (KahaDB syncs every write), with MQTT and nothing else. `data` is its folder as it sees it. */
export function brokerXml({ users, connector = {} }: ActivemqSettings, port: number, address: string, data: string): string {
  const query = Object.entries(connector).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const uri = `mqtt://${address}:${port}${query.length > 0 ? `?${query.join('&')}` : ''}`
  const accounts = Object.entries(users ?? {}).map(
    ([name, password]) => `<authenticationUser username="${escaped(name)}" password="${escaped(password)}" groups="users"/>`,
  )
  const plugin = `<plugins><simpleAuthenticationPlugin><users>${accounts.join('')}</users></simpleAuthenticationPlugin></plugins>`
  return `<beans ${namespaces}>
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="busbar" useJmx="false" dataDirectory="${escaped(data)}">
${users === undefined ? '' : plugin}
<persistenceAdapter><kahaDB directory="${escaped(data)}/kahadb"/></persistenceAdapter>
<transportConnectors><transportConnector name="mqtt" uri="${escaped(uri)}"/></transportConnectors>
</broker>
</beans>
`
}

/** The files of its logging, to the standard output: Debian's uses log4j 1.2, Apache's own log4j 2. Without them errors go nowhere. */
export const loggingFiles: Readonly<Record<string, string>> = {
  'log4j.properties': [
    'log4j.rootLogger=INFO, out',
    'log4j.appender.out=org.apache.log4j.ConsoleAppender',
    'log4j.appender.out.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %-5p %m%n',
    '',
  ].join('\n'),
  'log4j2.properties': [
    'rootLogger.level=INFO',
    'rootLogger.appenderRef.out.ref=out',
    'appender.out.type=Console',
    'appender.out.name=out',
    'appender.out.layout.type=PatternLayout',
    'appender.out.layout.pattern=%d %-5p %m%n',
    '',
  ].join('\n'),
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
