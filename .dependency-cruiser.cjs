// The import table of the house (docs/ARCHITECTURE.md, "The rooms"). `npm run rooms` checks it; so
// does test/guards/rooms.test.ts, which also plants a violation of every rule and expects each to
// be caught. Type-only imports count as imports, except for cycles. Rooms that do not exist yet are
// listed all the same.

/**
 * From top to bottom: a room may import itself and rooms above it. Rooms in one inner list never
 * import one another.
 */
const ROOMS = [
  ['std'],
  ['protocol'],
  ['lib'],
  ['store'],
  ['log'],
  ['archive'],
  ['schemas'],
  ['runtime'],
  ['verifier'],
  ['system'],
  ['sequencer', 'dre', 'relayer', 'fisher', 'registry'],
  ['replay'],
  ['node'],
  ['client'],
  ['testing'],
  ['cli', 'console'],
]
const ROLES = ROOMS.find((level) => level.includes('sequencer'))
/** Rooms without a door: any file may be imported. All others only by an index.ts or a port.ts. */
const OPEN_ROOMS = ['std', 'protocol']
/** One room per outside package, so that a vendor can be replaced in one place. */
const VENDORS = {
  '@jitl/': ['runtime'],
  '@kafkajs/confluent-schema-registry': ['schemas'],
  '@opentelemetry/api': ['node'],
  'quickjs-emscripten': ['runtime'],
  arweave: ['archive'],
  avsc: ['protocol'],
  'bignumber.js': ['runtime'],
  commander: ['cli'],
  esbuild: ['client'],
  fastify: ['node'],
  kafkajs: ['log'],
  lmdb: ['store', 'log'],
  'prom-client': ['node'],
}

const either = (names) => `(${names.join('|')})`
const allRooms = ROOMS.flat()

const below = ROOMS.flatMap((level, index) => {
  const later = ROOMS.slice(index + 1).flat()
  return level.flatMap((room) => {
    const others = [...level.filter((other) => other !== room), ...later]
    if (others.length === 0) return []
    return [
      {
        name: `rooms-${room}`,
        comment: `src/${room} may import only rooms above it; the rest is handed to it.`,
        severity: 'error',
        from: { path: `^src/${room}/` },
        to: { path: `^src/${either(others)}/` },
      },
    ]
  })
})

const narrower = [
  {
    name: 'lib-is-small',
    comment:
      'HB lib goes into every contract: std, protocol and itself only, and nothing of Node or npm.',
    severity: 'error',
    from: { path: '^src/lib/' },
    to: { pathNot: '^src/(lib|std|protocol)/' },
  },
  {
    name: 'contracts-import-lib-only',
    comment: 'A contract runs in the sandbox: HB lib and other contracts, nothing else.',
    severity: 'error',
    from: { path: '^contracts/', pathNot: '[.]test[.]ts$' },
    to: { pathNot: '^(src/lib/index[.]ts$|contracts/)' },
  },
  {
    name: 'client-is-outside',
    comment: 'A client speaks to a node over HTTP: it imports no node, role or replay.',
    severity: 'error',
    from: { path: '^src/client/' },
    to: { path: `^src/${either(['node', 'replay', ...ROLES])}/` },
  },
  {
    name: 'src-imports-src',
    comment: 'Tests, benches, scripts and contracts know src, never the other way round.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(test|bench|scripts|contracts|examples|bin)/' },
  },
  {
    name: 'connectors-are-started-in-one-place',
    comment: 'A connector is known to the one file of the command line that starts it.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/cli/connectors[.]ts$' },
    to: { path: '^connectors/' },
  },
  {
    name: 'connectors-by-their-door',
    comment: 'And that file imports what the connector shows.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^connectors/', pathNot: '^connectors/[^/]+/index[.]ts$' },
  },
  {
    name: 'connectors-by-the-public-door',
    comment: 'A connector is what anybody could write: it imports the package, and nothing inside.',
    severity: 'error',
    from: { path: '^connectors/' },
    to: { path: '^(src|contracts|test|bench|scripts)/', pathNot: '^src/index[.]ts$' },
  },
  {
    name: 'rooms-are-listed',
    comment:
      'A new folder of src/ needs its place in ROOMS before anything may be imported from it.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^src/[^/]+/', pathNot: `^src/${either(allRooms)}/` },
  },
]

const doors = {
  name: 'rooms-by-their-door',
  comment: 'A room is entered by an index.ts or a port.ts only (std and protocol are open).',
  severity: 'error',
  from: { path: '^src/([^/]+)/' },
  to: {
    path: '^src/[^/]+/',
    pathNot: ['^src/$1/', `^src/${either(OPEN_ROOMS)}/`, '/(index|port)[.]ts$'],
  },
}

const cores = [
  {
    name: 'cores-are-pure',
    comment: "A role's core decides and replays: no Node, no I/O port, no package.",
    severity: 'error',
    from: { path: `^src/${either(ROLES)}/core([.]ts$|/)` },
    to: { dependencyTypes: ['core', 'npm'] },
  },
  {
    name: 'cores-have-no-ports',
    comment:
      "A role's core decides and replays; its service runs it on ports. (What a record is, " +
      'log/port.ts says: it holds types only.)',
    severity: 'error',
    from: { path: `^src/${either(ROLES)}/core([.]ts$|/)` },
    to: {
      path: `^src/((log|store|archive|runtime|verifier)/|${either(ROLES)}/(service|ports)[.]ts$)`,
      pathNot: '^src/log/port[.]ts$',
    },
  },
]

const hygiene = [
  {
    name: 'no-cycles',
    comment: 'Two modules that need each other are one module, or miss a third.',
    severity: 'error',
    from: { path: '^(src|contracts)/' },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no-orphans',
    comment: 'A module that nothing imports and that imports nothing is left over.',
    severity: 'error',
    from: {
      orphan: true,
      pathNot:
        '^src/std/random|(^|/)(index|port|main|worker[^/]*|[^/]*-worker)[.]ts$|[.](js|json|d[.]ts)$',
    },
    to: {},
  },
  {
    name: 'no-development-dependencies',
    comment: 'What src/ imports must come with the package.',
    severity: 'error',
    from: { path: '^(src|bin)/' },
    to: {
      dependencyTypes: ['npm-dev'],
      dependencyTypesNot: ['type-only'],
      pathNot: '^node_modules/@types/',
    },
  },
  {
    name: 'no-undeclared-packages',
    comment: 'A package that is used is named in package.json.',
    severity: 'error',
    from: { path: '^(src|contracts|bin)/' },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'deprecated'] },
  },
  {
    name: 'no-unresolvable',
    comment: 'An import that leads nowhere.',
    severity: 'error',
    from: { path: '^(src|contracts|bin)/' },
    to: { couldNotResolve: true },
  },
]

const vendors = Object.entries(VENDORS).map(([name, rooms]) => ({
  name: `vendor-${name.replaceAll(/[^a-z-]/g, '')}`,
  comment: `${name} is known to ${rooms.join(' and ')} only, so that it can be replaced there.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${either(rooms)}/` },
  to: { path: `^(node_modules/)?${name}` },
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [...below, ...narrower, doors, ...cores, ...hygiene, ...vendors],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
}
