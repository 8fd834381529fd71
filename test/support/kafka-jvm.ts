// How a JVM is started for one of Kafka's programs. Tests start many brokers and run each for a
// short while, so all of it is for a quick start: measured on two cores, a broker was ready after
// 4.8 s and 7 s of CPU time with the JVM's own choices, and after 2.0 s and 2 s with these.

export type KafkaVersion = '3.9' | '4.1'

export type KafkaInstall = {
  readonly version: KafkaVersion
  readonly dir: string
  /** Relative to `dir`, which the JVM must be started in: so the archive of classes fits it. */
  readonly classPath: string
}

export const BROKER_CLASS = 'kafka.Kafka'
export const STORAGE_CLASS = 'kafka.tools.StorageTool'

/** The JVM's archive of loaded classes; one that does not fit the JVM is ignored by it. */
export const CLASS_ARCHIVE = 'kafka.jsa'

const SMALL_AND_QUICK = ['-Xms128m', '-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

const PATTERN = '[%d] %p %m (%c)%n'

/** Writes a broker's hundreds of settings whenever one of its parts is made. */
const VERBOSE = 'org.apache.kafka.common.config.AbstractConfig'

/**
 * One logging file each for log4j 2 and reload4j: all goes to stdout, which we keep, to the last
 * line of an orderly stop.
 */
export const LOGGING_FILES: Readonly<Record<string, string>> = {
  'log4j2.yaml': `Configuration:
  shutdownHook: disable
  Appenders: {Console: {name: stdout, target: SYSTEM_OUT, PatternLayout: {pattern: "${PATTERN}"}}}
  Loggers:
    Root: {level: INFO, AppenderRef: [{ref: stdout}]}
    Logger: [{name: ${VERBOSE}, level: WARN}]
`,
  'log4j.properties': `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=${PATTERN}
log4j.logger.${VERBOSE}=WARN
`,
}

export type JvmOptions = {
  /** Replaces what makes a small and quick JVM, e.g. for one that is measured for long. */
  readonly jvm?: readonly string[]
  /** Makes the archive of classes at the end, instead of using it. */
  readonly archiving?: boolean
}

/** Arguments of `java`, to be run in the folder of the install. */
export function jvmArguments(
  { version, classPath }: KafkaInstall,
  program: readonly string[],
  { jvm = SMALL_AND_QUICK, archiving = false }: JvmOptions = {},
): string[] {
  const logging =
    version === '3.9'
      ? '-Dlog4j.configuration=file:log4j.properties'
      : '-Dlog4j2.configurationFile=log4j2.yaml'
  const archive = archiving
    ? [`-XX:ArchiveClassesAtExit=${CLASS_ARCHIVE}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
    : [`-XX:SharedArchiveFile=${CLASS_ARCHIVE}`, '-Xlog:disable']
  return [...jvm, ...archive, '-Djava.awt.headless=true', logging, '-cp', classPath, ...program]
}
